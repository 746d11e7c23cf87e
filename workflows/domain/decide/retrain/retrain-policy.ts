import type { RetrainSpec } from '../../contracts/pipeline-spec/operation.ts';
import type { RetrainPolicy, TriggerPolicy } from '../../contracts/retrain-policy.ts';
import { dayMs } from '../../units.ts';

/** Scores of `signals.ts`: the automata behind them have asked for persistence, so that once is enough here. */
const confirmed: TriggerPolicy = { high: 1, low: 0.5, consecutive: 1 };

/** Three rejected challengers are no bad luck; a day is as long as new labels take, at least. */
const backOff = { after: 3, firstMs: dayMs, longestMs: 32 * dayMs };

/** A week is what teams retrain by when they decide nothing. */
const weekMs = 7 * dayMs;

/** The rules of retraining, from what the pipeline file says. Does not throw. */
export const retrainPolicyOf = (spec: RetrainSpec): RetrainPolicy => ({
  format: 1,
  on: [...spec.on],
  triggers: { performance: confirmed, estimate: confirmed, drift: confirmed, calibration: confirmed },
  weighsGain: spec.worth !== undefined,
  maxAgeMs: spec.max_age,
  cooldownMs: spec.cooldown,
  budget: { runs: spec.budget.runs, perMs: spec.budget.per },
  newLabels: { share: spec.new_labels.share, rareRows: spec.new_labels.rare_rows },
  backOff,
  scheduleMs: weekMs,
});

/** What a pipeline declared to be at stake, as numbers of one unit. */
export type DeclaredWorth = {
  readonly predictionsPerDay: number;
  readonly valuePerError: number;
  readonly costPerRun: number;
  /** Three letters; null where none was named. */
  readonly currency: string | null;
};

const amountOf = (amount: number | string): number => (typeof amount === 'number' ? amount : Number(amount.split(' ')[0]));
const currencyOf = (amount: number | string): string | null =>
  typeof amount === 'number' ? null : (amount.split(' ')[1] ?? null);

/** Reads the amounts of a worth that the schema accepted; null where none was declared. */
export const declaredWorth = ({ worth }: Pick<RetrainSpec, 'worth'>): DeclaredWorth | null => {
  if (worth === undefined) return null;
  return {
    predictionsPerDay: worth.predictions_per_day,
    valuePerError: amountOf(worth.value_per_error),
    costPerRun: amountOf(worth.cost_per_run),
    currency: currencyOf(worth.value_per_error),
  };
};

/** Days until the serving model reaches its maximum age: a retrain that comes anyway. Never below 0. */
export const horizonDays = ({ maxAgeMs }: RetrainPolicy, trainedAtMs: number, nowMs: number): number =>
  Math.max(0, trainedAtMs + maxAgeMs - nowMs) / dayMs;
