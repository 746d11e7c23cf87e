/** What counters of a reference profile must look like, read once for each profile. */
import { referenceProfileSchema } from '#domain/contracts/reference-profile.ts';
import { type ProfileShape, shapeOf } from '#domain/stats/summaries/window-counts.ts';
import type { Sha256 } from '#domain/units.ts';
import type { ContentStore } from '../objects/store.ts';

/** Shapes are small; a server that outlives thousands of models need not remember them all. */
const mostRemembered = 1_000;

/** Reads a profile's shape; throws PRN_NOT_FOUND and PRN_OBJECT_CORRUPT as the store does, and then asks again next time. */
export const createProfileShapes = (content: Pick<ContentStore, 'getJson'>) => {
  const known = new Map<Sha256, Promise<ProfileShape>>();
  const read = async (profileSha256: Sha256): Promise<ProfileShape> =>
    shapeOf(referenceProfileSchema.parse(await content.getJson(profileSha256)));
  return (profileSha256: Sha256): Promise<ProfileShape> => {
    const remembered = known.get(profileSha256);
    if (remembered !== undefined) return remembered;
    const reading = read(profileSha256);
    reading.catch(() => known.delete(profileSha256));
    if (known.size >= mostRemembered) known.clear();
    known.set(profileSha256, reading);
    return reading;
  };
};
