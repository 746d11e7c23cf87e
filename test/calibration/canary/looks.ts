import { argoMetric } from '#domain/stats/compatibility/argo-analysis.ts';
import { flaggerRollBackAt } from '#domain/stats/compatibility/flagger-counter.ts';
import { kayentaClassify } from '#domain/stats/compatibility/kayenta-classify.ts';
import type { Random } from '#domain/stats/random.ts';
import { logEvidenceOfHarm } from '#domain/stats/sequential/count-test.ts';
import { normalUpperQuantile } from '#domain/stats/special/normal.ts';
import { binomial, poisson } from '../samplers.ts';

/** One minute of a canary: requests and errors of the candidate, of a baseline of its size, and of the champion in all. */
export type Minute = {
  readonly candidate: readonly [requests: number, errors: number];
  readonly baseline: readonly [requests: number, errors: number];
  readonly champion: readonly [requests: number, errors: number];
};

export type Swing = {
  readonly minutes: number;
  readonly share: number;
  readonly ratio: number;
  readonly requests: (minute: number) => number;
  readonly rate: (minute: number) => number;
};

/** Traffic and errors swing for both arms alike; only the split is fixed. */
export const swinging = (random: Random, { minutes, share, ratio, requests, rate }: Swing): Minute[] =>
  Array.from({ length: minutes }, (_, now) => {
    const arm = (part: number, factor: number): [number, number] => {
      const asked = poisson(random, requests(now) * part);
      return [asked, binomial(random, asked, rate(now) * factor)];
    };
    const candidate = arm(share, ratio);
    const baseline = arm(share, 1);
    const rest = arm(1 - 2 * share, 1);
    return { candidate, baseline, champion: [baseline[0] + rest[0], baseline[1] + rest[1]] };
  });

type Totals = { candidate: [number, number]; champion: [number, number] };
type Rule = (world: readonly Minute[], share: number) => boolean;

/** Asks after each minute, of all that was counted so far. */
const looking =
  (isHarm: (totals: Totals, share: number) => boolean): Rule =>
  (world, share) => {
    const totals: Totals = { candidate: [0, 0], champion: [0, 0] };
    return world.some(({ candidate, champion }) => {
      for (const place of [0, 1] as const) {
        totals.candidate[place] += candidate[place];
        totals.champion[place] += champion[place];
      }
      return isHarm(totals, share);
    });
  };

const zScore = ({ candidate: [asked, failed], champion: [others, theirs] }: Totals): number => {
  const pooled = (failed + theirs) / (asked + others);
  return (failed / asked - theirs / others) / Math.sqrt(pooled * (1 - pooled) * (1 / asked + 1 / others));
};

const successes = (world: readonly Minute[]): (number | null)[] =>
  world.map(({ candidate: [asked, failed] }) => (asked === 0 ? null : 1 - failed / asked));

const errorRates = (world: readonly Minute[], arm: 'candidate' | 'baseline'): (number | null)[] =>
  world.map((minute) => (minute[arm][0] === 0 ? null : minute[arm][1] / minute[arm][0]));

const oneSided = normalUpperQuantile(0.01);

/** Would this rule roll the candidate back? Each is set to about one in a hundred, where it has a level at all. */
export const rules: Readonly<Record<string, Rule>> = {
  ours: looking(
    ({ candidate, champion }, share) =>
      logEvidenceOfHarm({ share, candidate: candidate[1], champion: champion[1] }) >= Math.log(100),
  ),
  'one-sided z-test at 1 %, looked at every minute': looking((totals) => zScore(totals) > oneSided),
  'Kayenta, errors by the minute': (world) =>
    kayentaClassify(errorRates(world, 'baseline'), errorRates(world, 'candidate'), { direction: 'increase' }) === 'High',
  'Flagger, success at least 99 %, threshold 5': (world) =>
    flaggerRollBackAt(successes(world), { min: 0.99, threshold: 5 }) !== null,
  'Argo, success at least 99 %, failureLimit 3': (world) =>
    argoMetric(
      successes(world).map((value) => (value === null ? 'Error' : value >= 0.99 ? 'Successful' : 'Failed')),
      { failureLimit: 3 },
    ) === 'Failed',
};
