import { type DatasetManifest, datasetManifestSchema } from '#domain/contracts/dataset.ts';
import { type PipelineSpec, pipelineSpecSchema } from '#domain/contracts/pipeline-spec/pipeline-spec.ts';
import { PerennialError } from '#domain/errors.ts';
import type { Sha256 } from '#domain/units.ts';
import type { CpuDeps } from './deps.ts';

/** The definition that a run was started with, every default filled in. Throws PRN_DEFINITION_UNKNOWN. */
export const readDefinition = async (deps: Pick<CpuDeps, 'definitions'>, sha256: Sha256): Promise<PipelineSpec> => {
  const found = await deps.definitions.find(sha256);
  if (found === null) {
    throw new PerennialError(
      'PRN_DEFINITION_UNKNOWN',
      `Cannot read definition "${sha256}" as it must have been applied: it was not`,
    );
  }
  return pipelineSpecSchema.parse(found.file);
};

/** The manifest of a data version. */
export const readManifest = async (deps: Pick<CpuDeps, 'content'>, sha256: Sha256): Promise<DatasetManifest> =>
  datasetManifestSchema.parse(await deps.content.getJson(sha256));
