/** What a watch asks to be measured, and what it takes from the answer before anything is decided. */
import type { WatchFacts, WatchMeasurement } from '#domain/contracts/watch.ts';
import { pauseMs } from '#domain/decide/watch/rest.ts';
import { advanceCursor, followClock, followModel, followServing } from '#domain/decide/watch/watch-state.ts';
import { lookSteps } from './step-options.ts';
import type { Watch } from './watch-desk.ts';

export const measure = (watch: Watch): Promise<WatchMeasurement> => {
  const { plan, cursor, facts, run } = watch.state;
  return lookSteps.measureWatch.executeWithOptions({ summary: `look at ${watch.pipeline}` }, [
    { pipeline: watch.pipeline, definitionSha256: plan.definitionSha256, cursor, dataTime: facts?.dataTime ?? null, run },
  ]);
};

/** Until somebody serves, training ends now. */
const trainedAtOf = ({ model, trainedAt }: WatchMeasurement, nowMs: number): number =>
  model === null || trainedAt === null ? nowMs : Date.parse(trainedAt);

const clockOf = ({ clock }: Watch['state'], found: WatchMeasurement, nowMs: number) => {
  const { model, dataTime } = found;
  return followClock(clock, model === null || dataTime === null ? trainedAtOf(found, nowMs) : Date.parse(dataTime), nowMs);
};

const factsOf = (found: WatchMeasurement, nowMs: number, goneMs: number): WatchFacts => ({
  dataTime: found.dataTime,
  model: found.model,
  trainedAtMs: trainedAtOf(found, nowMs),
  goneMs,
  labels: found.performance?.labels ?? null,
  gain: found.performance?.gain ?? null,
  openBreaches: found.openBreaches,
  otherRuns: found.otherRuns.slice(0, 20),
});

/**
 * PostgreSQL is the truth about a pause: a watch that began anew was not told of it. What a look read of it may be over when
 * the look ends, and whoever resumed has told the watch by then: the next look takes back what it knows only from there.
 */
const snoozedBy = ({ paused }: WatchMeasurement, { snoozed }: Watch['state'], nowMs: number): Watch['state']['snoozed'] => {
  if (paused == null) return snoozed?.recorded === true ? null : snoozed;
  return snoozed ?? { ...paused, untilMs: nowMs + pauseMs, recorded: true };
};

/** Takes in what was found, before anything is decided from it. */
export const takeIn = (watch: Watch, found: WatchMeasurement, nowMs: number): void => {
  const { state } = watch;
  const moved = found.dataTime !== (state.facts?.dataTime ?? null);
  const clock = clockOf(state, found, nowMs);
  watch.state = {
    ...followModel(state, found.model),
    cursor: advanceCursor(state.cursor, found),
    retrain: followServing(state, found.model),
    clock,
    facts: factsOf(found, nowMs, Math.max(0, nowMs - clock.wallMs)),
    problem: found.problem ?? null,
    snoozed: snoozedBy(found, state, nowMs),
    ...(moved && { advancedAtMs: nowMs, silent: false }),
  };
};
