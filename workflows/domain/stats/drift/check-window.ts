import type { ReferenceProfile, WindowCounts } from '../../contracts/reference-profile.ts';
import { hasShape, shapeOf } from '../summaries/window-counts.ts';

/**
 * Throws RangeError unless the counters were made against this very profile, whose digest the caller gives: a histogram of
 * another profile has other cells, and would be compared without a sound. Also for a window without length.
 */
export const checkWindow = (profile: ReferenceProfile, profileSha256: string, window: WindowCounts): void => {
  if (window.profileSha256 !== profileSha256) {
    throw new RangeError(
      `Cannot measure a window as its counters must be of profile ${profileSha256}: they are of ${window.profileSha256}`,
    );
  }
  if (!hasShape(window, shapeOf(profile))) {
    throw new RangeError(
      'Cannot measure a window as its counters must have the variables and cells of its profile: they have others',
    );
  }
  if (!(Date.parse(window.from) < Date.parse(window.to))) {
    throw new RangeError(`Cannot measure a window as it must begin before it ends: it is ${window.from} to ${window.to}`);
  }
};
