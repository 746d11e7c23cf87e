import { checkPositive, type Detector, type Signal } from './detector.ts';

export type DdmState = {
  readonly signal: Signal;
  readonly seen: number;
  readonly errors: number;
  /** Error rate and its standard deviation where their sum was lowest; null while warming up. */
  readonly lowest: { readonly rate: number; readonly deviation: number } | null;
};

export type DdmSettings = {
  /** Observations before it judges; 30. */
  readonly warmUp?: number;
  /** Standard deviations above the lowest point; 2 and 3. */
  readonly warningAt?: number;
  readonly driftAt?: number;
};

const fresh: DdmState = { signal: 'quiet', seen: 0, errors: 0, lowest: null };

/**
 * Drift detection method: has the error rate risen from the lowest point since the last drift? Observations are 1 for an
 * error and 0 for none; anything else throws RangeError. One-sided: a falling rate only lowers the point.
 *
 * Weak where errors are rare: a stream without errors has a lowest point of 0, and the next error is a drift. And because
 * it compares a long mean with its own minimum, it alarms without cause in about half of all streams of 10,000.
 *
 * Source: Gama, Medas, Castillo and Rodrigues, "Learning with drift detection", SBIA 2004, section 3.
 * Agrees with: test/golden/vectors.json "stream_detectors", exactly; test/golden/detectors.json, `river.drift.binary.DDM`,
 * exactly.
 */
export const ddm = (settings: DdmSettings = {}): Detector<DdmState> => {
  const { warmUp = 30, warningAt = 2, driftAt = 3 } = settings;
  checkPositive('deviations of a warning', warningAt);
  checkPositive('deviations of a drift', driftAt);
  const step = (before: DdmState, observation: number): DdmState => {
    if (observation !== 0 && observation !== 1)
      throw new RangeError(`Cannot watch errors as an observation must be 0 or 1: it is ${observation}`);
    const { seen, errors, lowest } = before.signal === 'drift' ? fresh : before;
    const counted = { signal: 'quiet' as const, seen: seen + 1, errors: errors + observation, lowest };
    return counted.seen <= warmUp ? counted : judge(counted, warningAt, driftAt);
  };
  return { start: fresh, step };
};

const judge = (state: DdmState, warningAt: number, driftAt: number): DdmState => {
  const rate = state.errors / state.seen;
  const deviation = Math.sqrt((rate * (1 - rate)) / state.seen);
  const height = rate + deviation;
  const { lowest: before } = state;
  const lowest = before === null || height <= before.rate + before.deviation ? { rate, deviation } : before;
  const above = (deviations: number): boolean => height > lowest.rate + deviations * lowest.deviation;
  return { ...state, lowest, signal: above(driftAt) ? 'drift' : above(warningAt) ? 'warning' : 'quiet' };
};
