import { createRandom } from '../random.ts';
import { largestGap } from '../two-sample/kolmogorov-smirnov.ts';
import { kolmogorovSmirnovExact } from '../two-sample/kolmogorov-smirnov-exact.ts';
import { checkFinite, type Detector } from './detector.ts';

export type KswinState = {
  readonly signal: 'quiet' | 'drift';
  readonly seen: number;
  /** The newest observations, the oldest first; at most as many as the window holds. */
  readonly window: readonly number[];
};

export type KswinSettings = {
  /** Draws the older observations that the newest are compared with. */
  readonly seed: number;
  /** Level of each of its tests; 0.005. */
  readonly level?: number;
  /** Observations in the window, and the newest of them that are compared; 100 and 30. */
  readonly holds?: number;
  readonly newest?: number;
};

/** Distances below are not alarms, whatever the test says. With 30 against 30 the level asks for more than that anyway. */
const smallestDistance = 0.1;

/**
 * Kolmogorov-Smirnov windowing: at each observation, do the newest 30 of the last 100 have the distribution of 30 older
 * ones, drawn without replacement? Sees any change, not of the mean alone. After a drift it keeps the newest.
 *
 * It tests at every observation, so that at a level of 0.005 it alarms without cause again and again. Observations are
 * finite; on errors of 0 and 1 the test is far from its level, because of the ties. The same seed and observations give
 * the same alarms. Throws RangeError for a window that cannot hold as many older as newest ones.
 *
 * Source: Raab, Heusinger and Schleif, "Reactive soft prototype computing for concept drift streams", Neurocomputing 416 (2020).
 * Agrees with: test/golden/detectors.json, `river.drift.KSWIN` until its first drift, exactly, where no draw is left to chance.
 */
export const kswin = (settings: KswinSettings): Detector<KswinState> => {
  const { seed, level = 0.005, holds = 100, newest = 30 } = settings;
  if (!(level > 0 && level < 1)) throw new RangeError(`Cannot watch a stream as the level must be in (0, 1): it is ${level}`);
  if (!Number.isSafeInteger(newest) || newest < 1 || !Number.isSafeInteger(holds) || holds < 2 * newest)
    throw new RangeError(`Cannot watch a stream as its window must hold twice the newest ${newest}: it holds ${holds}`);
  const boundary = boundaryOf(level, newest);
  const step = (before: KswinState, observation: number): KswinState => {
    checkFinite(observation);
    const window = [...before.window, observation].slice(-holds);
    const grown: KswinState = { signal: 'quiet', seen: before.seen + 1, window };
    if (window.length < holds) return grown;
    const fresh = window.slice(-newest);
    const old = draw(window.slice(0, -newest), newest, seed + Math.imul(grown.seen, 0x9e3779b9));
    const steps = largestGap(Float64Array.from(old).sort(), Float64Array.from(fresh).sort());
    return steps >= boundary ? { ...grown, signal: 'drift', window: fresh } : grown;
  };
  return { start: { signal: 'quiet', seen: 0, window: [] }, step };
};

/** The smallest distance, times the product of both sizes, that is an alarm; infinite where none is small enough to be one. */
const boundaryOf = (level: number, rows: number): number => {
  for (let gap = Math.floor(smallestDistance * rows) + 1; gap <= rows; gap++) {
    if (kolmogorovSmirnovExact(gap * rows, rows, rows) <= level) return gap * rows;
  }
  return Number.POSITIVE_INFINITY;
};

/** Some of the values, without replacement: the end of a shuffle that stops when it has enough. */
const draw = (values: readonly number[], count: number, seed: number): number[] => {
  const random = createRandom(seed);
  const pool = [...values];
  for (let i = pool.length - 1; i >= pool.length - count && i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [pool[i], pool[j]] = [pool[j] as number, pool[i] as number];
  }
  return pool.slice(-count);
};
