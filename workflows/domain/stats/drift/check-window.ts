import type { CellCounts, ReferenceProfile, WindowCounts } from '../../contracts/reference-profile.ts';
import { hasShape, shapeOf } from '../summaries/window-counts.ts';

/**
 * Throws RangeError unless the counters were made against this very profile, whose digest the caller gives: a histogram of
 * another profile has other cells, and would be compared without a sound. Also for a window without length, for counters
 * that are negative or not whole, and for moments that are not finite.
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
  checkCount('rows', window.rows);
  for (const counted of [...window.features, ...window.scores]) checkCounted(counted);
  if (window.predictions !== null) checkCounts(window.predictions);
};

const checkCounted = ({ counts, outside, moments }: WindowCounts['features'][number]): void => {
  checkCounts(counts);
  checkCount('rows outside the fences', outside);
  for (const [what, value] of Object.entries(moments ?? {})) {
    if (value === null || Number.isFinite(value)) continue;
    throw new RangeError(`Cannot measure a window as moments must be finite: ${what} is ${value}`);
  }
};

const checkCounts = ({ cells, missing, nonFinite, wrongType }: CellCounts): void => {
  for (const count of [...cells, missing, nonFinite, wrongType]) checkCount('a counter', count);
};

const checkCount = (what: string, count: number): void => {
  if (Number.isSafeInteger(count) && count >= 0) return;
  throw new RangeError(`Cannot measure a window as ${what} must be whole and >= 0: it is ${count}`);
};
