import { normalUpperQuantile } from '../special/normal.ts';
import { checkAmount, checkPositiveAmount } from './check.ts';

/** One span of the served model, and what it lost per prediction more than a fresh model would have. */
export type ServedSpan = {
  readonly days: number;
  /** Estimated excess loss at the end of the span; may be negative by noise. */
  readonly excess: number;
  readonly standardError: number;
  /** True where a freshly trained model took over at the end of the span. */
  readonly replaced: boolean;
};

export type Worth = { readonly predictionsPerDay: number; readonly valuePerError: number; readonly costPerRun: number };

/** What was done beside what the schedule would have done, in the unit of the value. */
export type ScheduleAccount = {
  readonly days: number;
  readonly runs: { readonly own: number; readonly schedule: number };
  readonly staleness: { readonly own: number; readonly schedule: number };
  /** What the schedule would have cost more than what was done; negative where the schedule had been better. */
  readonly saved: number;
  readonly standardError: number;
  readonly lower: number;
  readonly upper: number;
};

/**
 * What a fixed schedule would have done with the same observations, and the value that was saved or lost against it.
 *
 * The world's distance from the day of a training is taken to add up: what a model of that day loses today is how far
 * the world has moved since. So the path of the world is known wherever any model was watched, and the loss of a model
 * that never was trained can be read from it. A world that comes back is credited too kindly; it is an account, not a
 * proof. The schedule retrains at the end of the span in which its period ends; its first period begins with the first
 * span, with the model that was served then. Bounds are one-sided; errors of the spans are taken to be independent.
 * Nothing observed saves 0. Throws RangeError for a period or days not above 0, or a negative or infinite amount.
 *
 * Source: definition; the saving is a linear form of the observed excess losses, which gives its standard error.
 * Agrees with: test/golden/economics.json, a plain simulation of both, 1e-9.
 * @example accountSchedule([{ days: 10, excess: 0, standardError: 0, replaced: false }], 7, { predictionsPerDay: 100, valuePerError: 1, costPerRun: 40 }, 0.9).saved // 40
 */
export const accountSchedule = (
  spans: readonly ServedSpan[],
  periodDays: number,
  worth: Worth,
  confidence: number,
): ScheduleAccount => {
  checkAccount(spans, periodDays, worth, confidence);
  const atStake = worth.predictionsPerDay * worth.valuePerError;
  const world = pathOf(spans);
  const book = { days: 0, trainedAt: 0, age: 0, own: 0, schedule: 0, runs: 0 };
  // How often the saving contains the world's position at the end of each span.
  const weights = new Float64Array(spans.length + 1);
  for (const [index, span] of spans.entries()) {
    const value = atStake * span.days;
    book.days += span.days;
    book.own += value * span.excess;
    book.schedule += value * ((world[index + 1] as number) - (world[book.trainedAt] as number));
    weights[index + 1] = (weights[index + 1] as number) + value;
    weights[book.trainedAt] = (weights[book.trainedAt] as number) - value;
    book.age += span.days;
    // A period may end between two spans by a rounding error.
    if (book.age < periodDays * (1 - 1e-9)) continue;
    book.trainedAt = index + 1;
    book.age = 0;
    book.runs += 1;
  }
  const runs = { own: spans.filter(({ replaced }) => replaced).length, schedule: book.runs };
  const saved = book.schedule - book.own + worth.costPerRun * (runs.schedule - runs.own);
  const standardError = errorOf(spans, weights, atStake);
  const reach = normalUpperQuantile(1 - confidence) * standardError;
  const staleness = { own: book.own, schedule: book.schedule };
  return { days: book.days, runs, staleness, saved, standardError, lower: saved - reach, upper: saved + reach };
};

/** Where the world stood at the end of each span, from 0 at the first training: closed excesses, and the open one. */
const pathOf = (spans: readonly ServedSpan[]): Float64Array => {
  const path = new Float64Array(spans.length + 1);
  let closed = 0;
  for (const [index, { excess, replaced }] of spans.entries()) {
    path[index + 1] = closed + excess;
    if (replaced) closed += excess;
  }
  return path;
};

/** From weights of the world's positions to weights of the observed excesses: a closed excess is part of all that follow. */
const errorOf = (spans: readonly ServedSpan[], weights: Float64Array, atStake: number): number => {
  let [later, variance] = [0, 0];
  for (let index = spans.length - 1; index >= 0; index -= 1) {
    const { days, replaced, standardError } = spans[index] as ServedSpan;
    const own = (weights[index + 1] as number) - atStake * days + (replaced ? later : 0);
    later += weights[index + 1] as number;
    variance += (own * standardError) ** 2;
  }
  return Math.sqrt(variance);
};

const checkAccount = (spans: readonly ServedSpan[], periodDays: number, worth: Worth, confidence: number): void => {
  const doing = 'account for a schedule';
  checkPositiveAmount(doing, 'the period', periodDays);
  checkAmount(doing, 'the number of predictions per day', worth.predictionsPerDay);
  checkAmount(doing, 'the value of an error', worth.valuePerError);
  checkAmount(doing, 'the cost of a run', worth.costPerRun);
  if (!(confidence > 0.5 && confidence < 1)) {
    throw new RangeError(`Cannot ${doing} as the confidence must lie in (0.5, 1): it is ${confidence}`);
  }
  for (const { days, excess, standardError } of spans) {
    checkPositiveAmount(doing, 'the days of a span', days);
    checkAmount(doing, 'a standard error', standardError);
    if (!Number.isFinite(excess)) throw new RangeError(`Cannot ${doing} as an excess loss must be finite: it is ${excess}`);
  }
};
