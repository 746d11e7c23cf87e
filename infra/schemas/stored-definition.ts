import { z } from 'zod';
import { type PipelineSpec, pipelineSpecSchema } from '#domain/contracts/pipeline-spec/pipeline-spec.ts';
import { PerennialError } from '#domain/errors.ts';

/**
 * A definition as it was applied, with every default of this version. Throws PRN_SPEC_INVALID where this version refuses
 * what an earlier one took; `doing` says what cannot go on, such as `run "churn"`.
 */
export const parseStoredDefinition = (file: unknown, doing: string): PipelineSpec => {
  const parsed = pipelineSpecSchema.safeParse(file);
  if (parsed.success) return parsed.data;
  throw new PerennialError(
    'PRN_SPEC_INVALID',
    `Cannot ${doing} as its definition must fit this version of Perennial; correct the pipeline file and apply it again: ${z.prettifyError(parsed.error)}`,
  );
};
