import { z } from 'zod';
import { type ErrorCode, errorRegistry, PerennialError } from '#domain/errors.ts';

const bodySchema = z.object({
  error: z.object({
    code: z.string(),
    message: z.string(),
    problems: z.array(z.object({ field: z.string(), message: z.string() })).optional(),
  }),
});

const parse = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
};

/** What the server said, with its code, and with what is wrong with each field where its sentence does not say so. */
export const refusalOf = (status: number, text: string): PerennialError => {
  const body = bodySchema.safeParse(parse(text));
  if (!body.success || !Object.hasOwn(errorRegistry, body.data.error.code))
    return new PerennialError('PRN_UNREACHABLE', `Cannot read an answer with status ${status} that no Perennial server gives`);
  const { code, message, problems = [] } = body.data.error;
  const untold = problems.filter((one) => !message.includes(one.message)).map((one) => `"${one.field}" ${one.message}`);
  return new PerennialError(code as ErrorCode, [message, ...untold].join('; '));
};
