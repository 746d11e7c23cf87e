/** What a detector says after an observation. `drift` is said once: the detector then begins anew. */
export type Signal = 'quiet' | 'warning' | 'drift';

/**
 * A stream detector: a start and a pure step from one state to the next. States are plain JSON, so they can be kept
 * between the batches in which labels arrive. A detector watches the order of its observations: feed it by event time.
 *
 * A second opinion only. It has no stated level: whether it fires depends on how long it has been watching.
 */
export type Detector<State extends { readonly signal: Signal }> = {
  readonly start: State;
  /** Throws RangeError for an observation outside the range that the detector states. */
  readonly step: (state: State, observation: number) => State;
};

export type Alarm<State> = {
  /** Position in the series, from 0. */
  readonly index: number;
  readonly signal: 'warning' | 'drift';
  readonly state: State;
};

export type DetectorRun<State> = { readonly alarms: readonly Alarm<State>[]; readonly last: State };

/**
 * Feeds a series to a detector, from its start or from the state in which an earlier run ended.
 *
 * A warning is listed when it begins, not again while it lasts; every drift is listed. An empty series gives no alarm.
 *
 * Source: definition.
 */
export const runDetector = <State extends { readonly signal: Signal }>(
  detector: Detector<State>,
  series: Iterable<number>,
  from: State = detector.start,
): DetectorRun<State> => {
  const alarms: Alarm<State>[] = [];
  let state = from;
  let index = 0;
  for (const observation of series) {
    const before = state.signal;
    state = detector.step(state, observation);
    const { signal } = state;
    if (signal === 'drift' || (signal === 'warning' && before !== 'warning')) alarms.push({ index, signal, state });
    index++;
  }
  return { alarms, last: state };
};

/** Positions at which drift was found. */
export const driftsOf = <State>(run: DetectorRun<State>): number[] =>
  run.alarms.filter((alarm) => alarm.signal === 'drift').map((alarm) => alarm.index);

export const checkFinite = (observation: number): void => {
  if (!Number.isFinite(observation))
    throw new RangeError(`Cannot watch a stream as an observation must be finite: it is ${observation}`);
};

export const checkPositive = (what: string, value: number): void => {
  if (!(value > 0) || value === Number.POSITIVE_INFINITY)
    throw new RangeError(`Cannot watch a stream as ${what} must be finite and > 0: it is ${value}`);
};
