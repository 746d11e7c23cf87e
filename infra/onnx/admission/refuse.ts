import { PerennialError } from '#domain/errors.ts';

/** The one way in which admission says no. */
export const refuse = (message: string, details: Readonly<Record<string, unknown>> = {}): never => {
  throw new PerennialError('PRN_MODEL_REFUSED', message, { details });
};
