import { type DatasetManifest, datasetManifestSchema } from '#domain/contracts/dataset.ts';
import type { Sha256 } from '#domain/units.ts';
import type { CpuDeps } from './deps.ts';

/** The manifest of a data version. */
export const readManifest = async (deps: Pick<CpuDeps, 'content'>, sha256: Sha256): Promise<DatasetManifest> =>
  datasetManifestSchema.parse(await deps.content.getJson(sha256));
