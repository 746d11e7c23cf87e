import { type DatasetManifest, datasetManifestSchema } from '#domain/contracts/dataset.ts';
import type { Sha256 } from '#domain/units.ts';
import type { ContentStore } from '../objects/store.ts';

/** The manifest of a snapshot, verified by its digest. Throws PRN_NOT_FOUND, PRN_OBJECT_CORRUPT. */
export const readManifest = async (content: Pick<ContentStore, 'getJson'>, snapshot: Sha256): Promise<DatasetManifest> =>
  datasetManifestSchema.parse(await content.getJson(snapshot));
