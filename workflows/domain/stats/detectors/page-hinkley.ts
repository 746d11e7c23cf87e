import { checkFinite, checkPositive, type Detector } from './detector.ts';

export type PageHinkleyState = {
  readonly signal: 'quiet' | 'drift';
  readonly seen: number;
  readonly mean: number;
  /** What the observations have exceeded their mean by, less the tolerance, faded; never below 0. */
  readonly excess: number;
};

export type PageHinkleySettings = {
  /** Excess at which it alarms; 50. Lower is faster and alarms without cause more often. */
  readonly threshold?: number;
  /** What an observation may exceed the mean by without counting; 0.005. */
  readonly tolerance?: number;
  /** What is kept of the excess at each observation; 0.9999. */
  readonly fading?: number;
  /** Observations before it judges; 30. */
  readonly warmUp?: number;
};

const fresh: PageHinkleyState = { signal: 'quiet', seen: 0, mean: 0, excess: 0 };

/**
 * Page-Hinkley test, as a cumulative sum that is held at 0: has the mean of the stream risen? Observations are finite
 * numbers of any kind, such as errors or losses; the threshold is in their unit. It sees increases only.
 *
 * Source: Page, "Continuous inspection schemes", Biometrika 41 (1954); with fading: Mouss et al., Asian Control
 * Conference 2004.
 * Agrees with: test/golden/vectors.json "stream_detectors", exactly; without fading test/golden/detectors.json,
 * `river.drift.PageHinkley` upwards, exactly (with fading it fades the sum, not the excess, and fires a little earlier).
 */
export const pageHinkley = (settings: PageHinkleySettings = {}): Detector<PageHinkleyState> => {
  const { threshold = 50, tolerance = 0.005, fading = 0.9999, warmUp = 30 } = settings;
  checkPositive('the threshold', threshold);
  if (!(fading > 0 && fading <= 1)) throw new RangeError(`Cannot watch a stream as fading must be in (0, 1]: it is ${fading}`);
  const step = (before: PageHinkleyState, observation: number): PageHinkleyState => {
    checkFinite(observation);
    const last = before.signal === 'drift' ? fresh : before;
    const seen = last.seen + 1;
    const mean = last.mean + (observation - last.mean) / seen;
    const excess = Math.max(0, fading * last.excess + (observation - mean - tolerance));
    return { signal: seen >= warmUp && excess >= threshold ? 'drift' : 'quiet', seen, mean, excess };
  };
  return { start: fresh, step };
};
