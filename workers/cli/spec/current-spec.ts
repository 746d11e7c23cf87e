import { type PipelineSpec, pipelineSpecSchema } from '#domain/contracts/pipeline-spec/pipeline-spec.ts';
import { PerennialError } from '#domain/errors.ts';
import type { PipelineName, Sha256 } from '#domain/units.ts';
import { withContext } from '../context.ts';

/**
 * The definition that runs now; null where the pipeline is new or nothing runs that could say so. Its spec is null where
 * an earlier version of Perennial took what this one refuses.
 */
export const currentSpec = async (
  pipeline: PipelineName,
): Promise<{ sha256: Sha256; spec: PipelineSpec | null; paused: boolean } | null> => {
  try {
    return await withContext(async (context) => {
      const current = await context.definitions.current(pipeline);
      if (current === null) return null;
      const state = await context.pipelines.state(pipeline);
      const spec = pipelineSpecSchema.safeParse(current.file).data ?? null;
      return { sha256: current.sha256, spec, paused: state?.paused != null };
    });
  } catch (error) {
    if (error instanceof PerennialError && error.code === 'PRN_UNREACHABLE') return null;
    throw error;
  }
};
