/** Whether what was served is what the data say: of the newest window that a look measured. */
import type { SkewReport } from '#domain/contracts/skew-report.ts';
import type { SkewFound, WatchWindow } from '#domain/contracts/watch.ts';
import { errorRegistry, PerennialError } from '#domain/errors.ts';
import type { StepContext } from '../step-context.ts';
import type { SkewDeps, SkewMeasurement, SkewQuestion } from './measure-skew.ts';
import type { MeasureDeps, Served } from './served.ts';

export type MeasureSkew = (deps: SkewDeps, question: SkewQuestion, context: StepContext) => Promise<SkewMeasurement | null>;

const reasonOf = ({ mismatched, sampled, mismatches }: SkewReport): string => {
  const [first] = mismatches;
  const all = `${mismatched.rows} of ${sampled} served rows differ when they are computed again`;
  if (first === undefined) return all;
  const { what, name, predictionId, served, recomputed } = first;
  return `${all}: ${what} "${name}" of prediction ${predictionId} was ${served}, and is ${recomputed}`;
};

/** What cannot be computed again (a snapshot that was collected, say) is no reason for a watch to stop. */
const isFinal = (error: unknown): boolean => error instanceof PerennialError && errorRegistry[error.code].retry === 'final';

/** Null where nothing differs, and where nothing could be compared. One window a look: each takes a second. */
export const findSkew = async (
  deps: MeasureDeps,
  measureSkew: MeasureSkew,
  served: Served | null,
  windows: readonly WatchWindow[],
  context: StepContext,
): Promise<SkewFound | null> => {
  const newest = windows.at(-1)?.observation;
  if (served === null || served.profileSha256 === null || newest === undefined) return null;
  const { from, to } = newest;
  const { content, scratch, limits, definitions, onlineFeatures, watch } = deps;
  const needs = { content, scratch, limits, definitions, onlineFeatures, ...watch };
  const version = { ...served.version, profileSha256: served.profileSha256 };
  try {
    const found = await measureSkew(needs, { version, window: { from, to } }, context);
    return found?.outcome === 'fail' ? { from, to, reportSha256: found.reportSha256, reason: reasonOf(found.report) } : null;
  } catch (error) {
    if (isFinal(error)) return null;
    throw error;
  }
};
