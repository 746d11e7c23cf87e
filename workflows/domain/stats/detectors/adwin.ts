import { type BucketWindow, emptyWindow, insert, oldestFirst, withoutOldest } from './bucket-window.ts';
import { checkFinite, type Detector } from './detector.ts';

export type AdwinState = {
  readonly signal: 'quiet' | 'drift';
  readonly seen: number;
  readonly window: BucketWindow;
};

export type AdwinSettings = {
  /** Bounds the chance of a false cut at one look; 0.002. */
  readonly delta?: number;
  /** It looks when so many observations more have come; 32. */
  readonly every?: number;
  /** Fewest observations on either side of a cut; 5. */
  readonly fewest?: number;
};

/**
 * Adaptive windowing: keeps the longest recent window whose older and newer part have the same mean, and says drift when
 * it drops an older part. Observations are finite numbers, best in [0, 1]. Sees increases and decreases alike.
 *
 * Its window stays after a drift, so that one change may be said several times while the rest of the old part is dropped.
 * It judges from 11 observations on. Memory: five buckets for each power of two in the window.
 *
 * Source: Bifet and Gavalda, "Learning from time-changing data with adaptive windowing", SDM 2007, sections 3 and 4.
 * Agrees with: test/golden/vectors.json "stream_detectors", exactly; test/golden/detectors.json, the window of
 * `river.drift.ADWIN`, exactly (its wrapper forgets the window after each drift).
 */
export const adwin = (settings: AdwinSettings = {}): Detector<AdwinState> => {
  const { delta = 0.002, every = 32, fewest = 5 } = settings;
  if (!(delta > 0 && delta < 1)) throw new RangeError(`Cannot watch a stream as delta must be in (0, 1): it is ${delta}`);
  const step = ({ seen, window }: AdwinState, observation: number): AdwinState => {
    checkFinite(observation);
    const grown = { signal: 'quiet' as const, seen: seen + 1, window: insert(window, observation) };
    if (grown.seen % every !== 0 || grown.window.count <= graceRows) return grown;
    const shrunk = dropWhileCut(grown.window, delta, fewest);
    return shrunk.count === grown.window.count ? grown : { ...grown, signal: 'drift', window: shrunk };
  };
  return { start: { signal: 'quiet', seen: 0, window: emptyWindow }, step };
};

/** Observations of a window too short to be cut. */
const graceRows = 10;

const dropWhileCut = (window: BucketWindow, delta: number, fewest: number): BucketWindow => {
  let rest = window;
  while (hasCut(rest, delta, fewest)) rest = withoutOldest(rest);
  return rest;
};

const hasCut = (window: BucketWindow, delta: number, fewest: number): boolean => {
  const variance = window.squaredDeviations / window.count;
  let older = { count: 0, total: 0 };
  for (const bucket of oldestFirst(window)) {
    older = { count: older.count + bucket.count, total: older.total + bucket.total };
    const newer = { count: window.count - older.count, total: window.total - older.total };
    if (newer.count < fewest) return false;
    if (older.count < fewest) continue;
    const distance = Math.abs(older.total / older.count - newer.total / newer.count);
    if (distance > adwinBound(older.count, newer.count, variance, delta, fewest)) return true;
  }
  return false;
};

/**
 * How far the means of two parts of a window may lie apart: sqrt(2 v l / m) + 2 l / (3 m), where v is the variance of the
 * window, l = ln(2 ln(older + newer) / delta) and 1 / m = 1 / older + 1 / newer, each less by `fewest` - 1.
 *
 * Source: Bifet and Gavalda (2007), section 4.1, by Bernstein's inequality; the subtraction as in common implementations.
 * Agrees with: test/golden/vectors.json "stream_detectors", 1e-9.
 * @example adwinBound(100, 50, 0.2, 0.002, 5) // 0.5136562642...
 */
export const adwinBound = (older: number, newer: number, variance: number, delta: number, fewest: number): number => {
  const logarithm = Math.log((2 * Math.log(older + newer)) / delta);
  const inverse = 1 / (older - fewest + 1) + 1 / (newer - fewest + 1);
  return Math.sqrt(2 * inverse * variance * logarithm) + (2 / 3) * logarithm * inverse;
};

/** Mean of the window; null while it is empty. */
export const adwinMean = ({ window }: AdwinState): number | null => (window.count === 0 ? null : window.total / window.count);
