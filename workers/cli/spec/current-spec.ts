import { type DatasetSchema, datasetManifestSchema } from '#domain/contracts/dataset.ts';
import { type PipelineSpec, pipelineSpecSchema } from '#domain/contracts/pipeline-spec/pipeline-spec.ts';
import { PerennialError } from '#domain/errors.ts';
import type { PipelineName, Sha256 } from '#domain/units.ts';
import { type Context, withContext } from '../context.ts';

/** What the newest snapshot has; null before the first, and where the store does not answer: it only names types. */
export const frozenSchema = async (context: Context, pipeline: PipelineName): Promise<DatasetSchema | null> => {
  const [newest] = await context.snapshots.list(pipeline);
  if (newest === undefined) return null;
  const manifest = await context.content.getJson(newest.sha256).catch(() => null);
  return datasetManifestSchema.safeParse(manifest).data?.schema ?? null;
};

export type CurrentSpec = {
  readonly sha256: Sha256;
  readonly spec: PipelineSpec | null;
  readonly paused: boolean;
  /** Columns as the newest snapshot has them: what was inferred once stays. */
  readonly frozen: DatasetSchema | null;
};

/**
 * The definition that runs now; null where the pipeline is new or nothing runs that could say so. Its spec is null where
 * an earlier version of Perennial took what this one refuses.
 */
export const currentSpec = async (pipeline: PipelineName): Promise<CurrentSpec | null> => {
  try {
    return await withContext(async (context) => {
      const current = await context.definitions.current(pipeline);
      if (current === null) return null;
      const state = await context.pipelines.state(pipeline);
      const spec = pipelineSpecSchema.safeParse(current.file).data ?? null;
      const frozen = await frozenSchema(context, pipeline);
      return { sha256: current.sha256, spec, paused: state?.paused != null, frozen };
    });
  } catch (error) {
    if (error instanceof PerennialError && error.code === 'PRN_UNREACHABLE') return null;
    throw error;
  }
};
