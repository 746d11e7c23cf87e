/** Worlds that grow away from the day of a training, in loss per prediction; what is at stake is 1,000 a day. */
import type { RetrainPolicy } from '#domain/contracts/retrain-policy.ts';
import { beginRetrainState, decideRetrain } from '#domain/decide/retrain/decide-retrain.ts';
import { horizonDays } from '#domain/decide/retrain/retrain-policy.ts';
import type { ServedSpan } from '#domain/stats/economics/account-schedule.ts';
import { expectedGain } from '#domain/stats/economics/expected-gain.ts';
import type { Random } from '#domain/stats/random.ts';
import { normalUpperQuantile, normalUpperTail } from '#domain/stats/special/normal.ts';
import { dayMs } from '#domain/units.ts';
import { normal, poisson } from '../samplers.ts';

export const worth = { predictionsPerDay: 20_000, valuePerError: 0.05, costPerRun: 40 };
const atStake = worth.predictionsPerDay * worth.valuePerError;
export const days = 365;

/** Loss of a fresh model, and the deviation of a day's error rate, or a hold-out's, around the true one. */
const freshLoss = 0.1;
const dailyError = Math.sqrt((freshLoss * (1 - freshLoss)) / worth.predictionsPerDay);

/** Distance from the first training at the end of each day. */
export const smoothPath = (decayPerDay: number): number[] =>
  Array.from({ length: days }, (_, day) => (decayPerDay * (day + 1)) / atStake);

export const abruptPath = (random: Random, lossPerDay: number, changesPerDay: number): number[] => {
  let distance = 0;
  return Array.from({ length: days }, () => {
    distance += (poisson(random, changesPerDay) * lossPerDay) / atStake;
    return distance;
  });
};

/** What a year cost per day, and the spans as the watch saw them. */
export type Year = { readonly costPerDay: number; readonly runs: number; readonly spans: readonly ServedSpan[] };

/** What is seen at the end of a day. */
type Evening = {
  readonly day: number;
  readonly ageDays: number;
  readonly errorRate: number;
  readonly features: readonly number[];
};

/** Decides, at the end of each day, whether a model that was trained on all days so far takes over. */
export type Rule = (random: Random) => (evening: Evening) => boolean;

/** Features of which the first three move with the world: half a deviation for each twentieth of loss. */
const featureCount = 20;
const movingFeatures = 3;
const deviationsPerLoss = 10;
const featureRows = 1000;

export const liveYear = (random: Random, path: readonly number[], rule: Rule): Year => {
  const decide = rule(random);
  const spans: ServedSpan[] = [];
  let [trainedAt, ageDays, lost, runs] = [0, 0, 0, 0];
  for (const [day, distance] of path.entries()) {
    const excess = distance - trainedAt;
    ageDays += 1;
    lost += atStake * excess;
    const errorRate = freshLoss + excess + normal(random, 0, dailyError);
    const features = Array.from({ length: featureCount }, (_, feature) =>
      normal(random, feature < movingFeatures ? deviationsPerLoss * excess * Math.sqrt(featureRows / 2) : 0),
    );
    const replaced = decide({ day, ageDays, errorRate, features });
    spans.push({ days: 1, excess: errorRate - freshLoss, standardError: dailyError, replaced });
    if (!replaced) continue;
    runs += 1;
    trainedAt = distance;
    ageDays = 0;
  }
  return { costPerDay: (lost + worth.costPerRun * runs) / days, runs, spans };
};

export const scheduleEvery =
  (periodDays: number): Rule =>
  () =>
  ({ ageDays }) =>
    ageDays >= periodDays;

/** Two-sided p-values of the features, each against 5 %. */
const pValues = (features: readonly number[]): number[] => features.map((z) => 2 * normalUpperTail(Math.abs(z)));

export const everyRawPValue: Rule =
  () =>
  ({ features }) =>
    pValues(features).some((p) => p < 0.05);

/** A drift that counts: significant after Bonferroni over the features, and at least a tenth of a deviation. */
const smallestShift = 0.1;
const isDrift = (features: readonly number[]): boolean =>
  pValues(features).some(
    (p, index) => p < 0.05 / featureCount && Math.abs(features[index] as number) / Math.sqrt(featureRows / 2) >= smallestShift,
  );

/** A loss of one point more is a breach; it must be shown at 99 %. */
const tolerated = 0.01;
const reach = normalUpperQuantile(0.01);

/** Ours: matured performance, drift that persists and pays, and age. */
export const ours =
  (policy: RetrainPolicy): Rule =>
  (random) => {
    const holdOut = () => ({ estimate: freshLoss + normal(random, 0, dailyError), standardError: dailyError });
    let [state, fresh, running] = [beginRetrainState(policy, 0), holdOut(), false];
    let [rates, drifted]: [number[], boolean[]] = [[], []];
    return ({ day, ageDays, errorRate, features }) => {
      const nowMs = (day + 1) * dayMs;
      const trainedAtMs = nowMs - ageDays * dayMs;
      rates = [...rates, errorRate].slice(-3);
      drifted = [...drifted, isDrift(features)].slice(-3);
      const current = {
        estimate: rates.reduce((sum, rate) => sum + rate, 0) / rates.length,
        standardError: dailyError / Math.sqrt(rates.length),
      };
      const gain = expectedGain({
        ...worth,
        current,
        fresh,
        horizonDays: horizonDays(policy, trainedAtMs, nowMs),
        rows: 1,
        confidence: 0.9,
      });
      const worse = errorRate - fresh.estimate - reach * Math.SQRT2 * dailyError;
      const observation = {
        signals: {
          performance: { score: worse / tolerated, what: 'excess loss, lower bound, in tolerances', evidenceIds: [] },
          estimate: null,
          drift: { score: drifted.filter(Boolean).length >= 2 ? 1 : 0, what: 'drift in 2 of 3 windows', evidenceIds: [] },
          calibration: null,
        },
        gain: { lower: gain.lower, cost: worth.costPerRun, evidenceIds: [] },
        trainedAtMs,
        labels: { newRows: ageDays * worth.predictionsPerDay, newRareRows: 0, lastTrainingRows: 1_000_000 },
        openBreaches: 0,
        otherRuns: 0,
        asked: null,
        ended: running ? ('promoted' as const) : null,
      };
      const step = decideRetrain(policy, state, observation, nowMs);
      state = step.state;
      running = step.decision.decision === 'retrain';
      if (running) [fresh, rates, drifted] = [holdOut(), [], []];
      return running;
    };
  };
