/** `trainer.json`: how a trainer of one's own is launched. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { PerennialError } from '#domain/errors.ts';

export const trainerFileSchema = z
  .strictObject({
    $schema: z.string().optional(),
    format: z.literal(1),
    command: z
      .array(z.string().min(1))
      .min(1)
      .describe(
        'Program and arguments, without a shell; "job.json" is added. "python" is the interpreter of `requirements`, else the one ' +
          'Perennial found; "node" is the one Perennial runs on. What begins with "./" is a path in this folder',
      ),
    environment: z.record(z.string(), z.string()).default({}).describe('Variables beside PATH, HOME, language and devices'),
    requirements: z.string().optional().describe('A pip requirements file with hashes, in this folder; set up once and cached'),
    extends: z
      .literal('lightgbm')
      .optional()
      .describe('"python" is the interpreter of that built-in trainer, and its modules can be imported: train, job, trees, wire'),
  })
  .refine(({ requirements, extends: built }) => requirements === undefined || built === undefined, {
    path: ['extends'],
    message: 'must not stand beside requirements',
  });
export type TrainerFile = z.infer<typeof trainerFileSchema>;

const unknown = (folder: string, why: string, cause?: unknown): PerennialError =>
  new PerennialError('PRN_TRAINER_UNKNOWN', `Cannot use the trainer in "${folder}" as its trainer.json ${why}`, { cause });

/** Throws PRN_TRAINER_UNKNOWN, which names the field that is wrong. */
export const readTrainerFile = async (folder: string): Promise<TrainerFile> => {
  const text = await readFile(join(folder, 'trainer.json'), 'utf8').catch((cause: unknown) => {
    throw unknown(folder, 'must be there: it cannot be read', cause);
  });
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw unknown(folder, `must be JSON: ${(cause as Error).message}`, cause);
  }
  const parsed = trainerFileSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw unknown(folder, `is wrong at "${issue?.path.join('.')}": ${issue?.message}`);
};
