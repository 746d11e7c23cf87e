import type { ArmCounts, CanarySegment } from '../../contracts/canary.ts';

/**
 * Throws RangeError for a segment that cannot have been counted: a share outside (0, 1], counters that are negative or not
 * whole, and more events than requests.
 */
export const checkSegment = ({ share, candidate, champion }: CanarySegment): void => {
  if (!(share > 0 && share <= 1)) throw new RangeError(`Cannot assess a canary as the share must be in (0, 1]: it is ${share}`);
  checkArm('candidate', candidate);
  checkArm('champion', champion);
};

const checkArm = (who: string, { requests, units, events }: ArmCounts): void => {
  for (const [what, count] of Object.entries({ requests, units, ...events })) {
    if (Number.isSafeInteger(count) && count >= 0) continue;
    throw new RangeError(`Cannot assess a canary as ${what} of the ${who} must be whole and >= 0: it is ${count}`);
  }
  for (const [what, count] of Object.entries(events)) {
    if (count <= requests) continue;
    throw new RangeError(`Cannot assess a canary as ${what} of the ${who} must be at most ${requests} requests: it is ${count}`);
  }
};
