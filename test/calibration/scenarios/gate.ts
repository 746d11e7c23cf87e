/** The gate: whom it promotes that it must not, and what it costs those that it should. */
import type { Comparison } from '#domain/contracts/evaluation-report.ts';
import { decideGate } from '#domain/decide/gate.ts';
import { confidenceOfUse } from '#domain/stats/comparison/alpha-spending.ts';
import { compareFairness } from '#domain/stats/comparison/compare-fairness.ts';
import { compareModels } from '#domain/stats/comparison/compare-models.ts';
import { boundProportions } from '#domain/stats/comparison/non-inferiority.ts';
import { measure } from '#domain/stats/metrics/metrics.ts';
import type { Random } from '#domain/stats/random.ts';
import {
  dayClusters,
  disagreeing,
  gateOf,
  judge,
  type Pair,
  policyOf,
  ranking,
  regressing,
  reportOf,
  shiftOf,
} from '../gate/worlds.ts';
import { multinomial, normal } from '../samplers.ts';
import { countOf, type Finding, type Scenario } from '../scenario.ts';

const level = { operator: '<=', value: 0.05 } as const;

/** How often something is promoted by the gate, and by whoever has the higher point estimate. */
function* besidePointEstimate(
  name: string,
  trials: number,
  world: (random: Random) => Pair,
  rules: { readonly ours: (pair: Pair) => boolean; readonly metric: 'accuracy' | 'roc_auc' | 'rmse' },
): Iterable<Finding> {
  let higher = 0;
  const successes = countOf(name, trials, (random) => {
    const pair = world(random);
    const [fresh, old] = [measure(rules.metric, pair.candidate) as number, measure(rules.metric, pair.champion) as number];
    if (rules.metric === 'rmse' ? fresh < old : fresh > old) higher += 1;
    return rules.ours(pair);
  });
  yield { what: 'promoted', rule: 'ours', successes, trials, target: level };
  yield { what: 'promoted', rule: 'higher point estimate', successes: higher, trials, target: null };
}

const onePoint = gateOf({ champion: { margin: 0.01 } });
const better = gateOf({ champion: { rule: 'better', margin: 0.01 } });

const worseByAccuracy: Scenario = {
  name: 'one margin worse, accuracy',
  claim:
    'A challenger that is truly one margin worse is promoted in at most 5 % of gates: 2,000 rows, 6 % disagreement, margin 1 point.',
  rows: (full) =>
    besidePointEstimate('gate accuracy', full ? 3000 : 25, (random) => disagreeing(random, 2000, 0.06, () => -0.01), {
      ours: (pair) => judge('accuracy', pair, onePoint) === 'pass',
      metric: 'accuracy',
    }),
};

const worseByRanking: Scenario = {
  name: 'one margin worse, ROC AUC',
  claim: 'The same by ROC AUC (DeLong): 800 independent rows, margin 1 point.',
  rows: (full) => {
    const clusters = dayClusters([800]);
    const shift = shiftOf(0.01, 0, 1);
    const world = (random: Random) => ranking(random, { clusters, weather: 0, shift });
    const ours = (pair: Pair) => judge('roc_auc', pair, onePoint) === 'pass';
    return besidePointEstimate('gate auc', full ? 2000 : 15, world, { ours, metric: 'roc_auc' });
  },
};

const worseByResampling: Scenario = {
  name: 'one margin worse, root mean squared error',
  claim: 'The same by RMSE (paired bootstrap, 2,000 resamples): 150 rows, margin 5 %.',
  rows: (full) => {
    const gate = gateOf({ champion: { margin: 0.05 } });
    const ours = (pair: Pair) => judge('rmse', pair, gate) === 'pass';
    const world = (random: Random) => regressing(random, 150, 1.05);
    return besidePointEstimate('gate rmse', full ? 2000 : 3, world, { ours, metric: 'rmse' });
  },
};

const equalIsNotBetter: Scenario = {
  name: 'equal, asked to be better',
  claim:
    "An equal challenger is taken for better in at most 5 % of gates, by McNemar's exact test; 5 % and less below 25 disagreements.",
  rows: (full) => {
    const world = (rows: number) => (random: Random) => disagreeing(random, rows, 0.06, () => 0);
    const rules = { ours: (pair: Pair) => judge('accuracy', pair, better) === 'pass', metric: 'accuracy' as const };
    return [
      ...besidePointEstimate('gate better 2000', full ? 2000 : 20, world(2000), rules),
      ...besidePointEstimate('gate better 300', full ? 4000 : 40, world(300), rules),
    ];
  },
};

/** Rows of an experiment by counts only: how often "not worse" is shown. */
const shownNotWorse = (name: string, trials: number, rows: number, [disagreement, margin]: readonly [number, number]): number =>
  countOf(name, trials, (random) => {
    const shares = [disagreement / 2, disagreement / 2, 1 - disagreement];
    const [championOnly, challengerOnly] = multinomial(random, rows, shares) as [number, number, number];
    return boundProportions(championOnly, challengerOnly, rows, margin, 0.95).lower > -margin;
  });

const power: Scenario = {
  name: 'power at the stated sizes',
  claim: 'An equal challenger is promoted in 80 % of gates with 9,893 rows at 4 % disagreement and a margin of 0.5 points.',
  rows: (full) => {
    const trials = full ? 20_000 : 1000;
    const found = (rows: number, world: readonly [number, number], value: number | null): Finding => ({
      what: `promoted with ${rows} rows, ${world[0] * 100} % disagreement, margin ${world[1] * 100} points`,
      rule: 'ours',
      successes: shownNotWorse(`gate power ${rows} ${world.join(' ')}`, trials, rows, world),
      trials,
      target: value === null ? null : { operator: '>=', value },
    });
    return [
      found(9893, [0.04, 0.005], 0.8),
      found(5000, [0.04, 0.005], null),
      found(4000, [0.06, 0.01], 0.8),
      found(2000, [0.06, 0.01], null),
    ];
  },
};

/** Seven days of a hold-out; equal, or from 320 rows down to 80, which are worth 4.7. */
const equalDays = [200, 200, 200, 200, 200, 200, 200];
const unequalDays = [320, 280, 240, 200, 160, 120, 80];

/** Both rules on the same pairs: days as clusters, and rows taken for independent. */
const besideIndependentRows = (name: string, trials: number, metric: 'accuracy' | 'roc_auc', world: WorldOfDays): Finding[] => {
  const clusters = dayClusters(world.days);
  const outcomes = { ours: 0, independent: 0 };
  countOf(name, trials, (random) => {
    const pair = world.draw(random);
    if (judge(metric, pair, world.gate, clusters) === world.outcome) outcomes.ours += 1;
    if (judge(metric, pair, world.gate) === world.outcome) outcomes.independent += 1;
    return false;
  });
  const what = `${world.outcome === 'pass' ? 'promoted' : 'failed'}, ${world.what}`;
  return [
    { what, rule: 'ours', successes: outcomes.ours, trials, target: level },
    { what, rule: 'rows taken as independent', successes: outcomes.independent, trials, target: null },
  ];
};
type WorldOfDays = {
  readonly days: readonly number[];
  readonly draw: (random: Random) => Pair;
  readonly gate: ReturnType<typeof gateOf>;
  readonly outcome: 'pass' | 'fail';
  readonly what: string;
};

/** Each day has a gain of its own around the true one, by two points. */
const daysOfAccuracy = (days: readonly number[], what: string): WorldOfDays => {
  const { ids, count } = dayClusters(days);
  const draw = (random: Random): Pair => {
    const gains = Array.from({ length: count }, () => Math.max(-0.1, Math.min(0.1, normal(random, -0.01, 0.02))));
    return disagreeing(random, ids.length, 0.1, (row) => gains[ids[row] as number] as number);
  };
  return { days, draw, gate: onePoint, outcome: 'pass', what };
};

const daysOfRanking = (days: readonly number[], weather: number, what: string): WorldOfDays => {
  const clusters = dayClusters(days);
  const shift = shiftOf(0.01, weather, days.length);
  return { days, draw: (random) => ranking(random, { clusters, weather, shift }), gate: onePoint, outcome: 'pass', what };
};

const daysAreNotRows: Scenario = {
  name: 'one margin worse, days with a weather of their own',
  claim:
    'Where the rows of a day are alike, a challenger one margin worse is still promoted in at most 5 % of gates, with 7 days.',
  rows: (full) => [
    ...besideIndependentRows('gate days', full ? 2000 : 20, 'accuracy', daysOfAccuracy(equalDays, 'accuracy, 7 equal days')),
    ...besideIndependentRows(
      'gate unequal',
      full ? 2000 : 12,
      'accuracy',
      daysOfAccuracy(unequalDays, 'accuracy, 7 unequal days'),
    ),
    ...besideIndependentRows('gate weather', full ? 1000 : 6, 'roc_auc', daysOfRanking(equalDays, 0.3, 'ROC AUC, 7 equal days')),
  ],
};

/** The k-th of many challengers on the same rows; stops at the first that is promoted. */
const anyPromoted = (random: Random, uses: number, confidenceAt: (use: number) => number): boolean => {
  for (let use = 1; use <= uses; use += 1) {
    const [championOnly, challengerOnly] = multinomial(random, 2000, [0.035, 0.025, 0.94]) as [number, number, number];
    if (boundProportions(championOnly, challengerOnly, 2000, 0.01, confidenceAt(use)).lower > -0.01) return true;
  }
  return false;
};

const repeatedUse: Scenario = {
  name: 'twenty retrains against one hold-out',
  claim:
    'Of 20 challengers that are one margin worse, on rows that are kept, any is promoted in at most 5 % of cases; on one day of a hold-out that moves, in at most 7 %.',
  rows: (full) => {
    const trials = full ? 8000 : 250;
    const of = (rule: string, confidenceAt: (use: number) => number, value: number | null): Finding => ({
      what: 'any of 20 promoted',
      rule,
      successes: countOf(`gate uses ${rule}`, trials, (random) => anyPromoted(random, 20, confidenceAt)),
      trials,
      target: value === null ? null : { operator: '<=', value },
    });
    return [
      of('ours', (use) => confidenceOfUse(0.95, use, 'kept'), 0.05),
      of('ours, no new day', (use) => confidenceOfUse(0.95, use, 'fresh'), 0.07),
      of('95 % each time', () => 0.95, null),
    ];
  },
};

/** A candidate that is much better on all rows, and on ten slices exactly as said. */
const slicesOf = (random: Random, rows: number, gain: number, margin: number): Comparison[] =>
  Array.from({ length: 10 }, (_, index) =>
    compareModels({
      metric: 'accuracy',
      slice: { by: 'origin', value: `o${index}` },
      ...disagreeing(random, rows, 0.06, () => gain),
      clusters: null,
      policy: policyOf(gateOf({ champion: { margin } })),
      seed: 7,
      power: 0.98,
    }),
  );
const harmedAlone = (comparison: Comparison): boolean => {
  const harm = comparison.evidence.find(({ id }) => id.endsWith('/harm'));
  return harm?.kind === 'p-value' && harm.pValue <= 0.05;
};

const sliceGate = gateOf({ champion: { margin: 0.01 }, slices: [{ by: 'origin' }] });
const clearlyBetter = (random: Random): Comparison =>
  compareModels({
    metric: 'accuracy',
    slice: null,
    ...disagreeing(random, 2000, 0.2, () => 0.1),
    clusters: null,
    policy: policyOf(sliceGate),
    seed: 7,
  });

const slices: Scenario = {
  name: 'ten slices',
  claim:
    'Ten slices that are each exactly at their margin veto in at most 5 % of gates; equal ones with rows enough for all hold back at most 20 %.',
  rows: (full) => {
    const trials = full ? 1000 : 4;
    let uncorrected = 0;
    const vetoed = countOf('gate slices', trials, (random) => {
      const found = slicesOf(random, 500, -0.02, 0.02);
      if (found.some(harmedAlone)) uncorrected += 1;
      return decideGate(reportOf('accuracy', [clearlyBetter(random), ...found]), sliceGate).outcome === 'fail';
    });
    const fewer = full ? 400 : 4;
    const heldBack = countOf('gate powered slices', fewer, (random) => {
      const found = slicesOf(random, 2060, 0, 0.02);
      return decideGate(reportOf('accuracy', [clearlyBetter(random), ...found]), sliceGate).outcome !== 'pass';
    });
    return [
      { what: 'vetoed, all at their margin', rule: 'ours', successes: vetoed, trials, target: level },
      { what: 'vetoed, all at their margin', rule: 'each slice at 5 %', successes: uncorrected, trials, target: null },
      { what: 'held back, all equal', rule: 'ours', successes: heldBack, trials: fewer, target: { operator: '<=', value: 0.2 } },
    ];
  },
};

const sliceOfOneWeather: Scenario = {
  name: 'a slice with a weather of its own',
  claim: 'A slice whose gain swings from day to day around its margin is taken for harmed in at most 5 % of gates.',
  rows: (full) => {
    const world = daysOfAccuracy([120, 120, 120, 120, 120, 120, 120], 'one slice of 7 days');
    return besideIndependentRows('gate slice weather', full ? 3000 : 40, 'accuracy', { ...world, outcome: 'fail' });
  },
};

/** Two groups of which one is found less often by the candidate, by so much. */
const wideningGap = (random: Random, widening: number): Pair => {
  const labels = Uint8Array.from({ length: 600 }, (_, row) => row % 2);
  const uniform = Float64Array.from(labels, () => random());
  const answers = (lost: number) =>
    Float64Array.from(labels, (_, row) => ((uniform[row] as number) < 0.7 - (row < 300 ? lost : 0) ? 0.9 : 0.1));
  const scored = (lost: number) => ({ task: 'binary' as const, classes: 2, labels, answers: answers(lost) });
  return { candidate: scored(0.1 + widening), champion: scored(0.1) };
};

const fairness: Scenario = {
  name: 'a gap between groups that widens by its margin',
  claim: 'A gap that is wider by exactly its margin is taken for harm in at most 5 % of gates.',
  rows: (full) => {
    const trials = full ? 300 : 2;
    const groups = [0, 300].map((from) => ({
      value: `from ${from}`,
      rows: Uint32Array.from({ length: 300 }, (_, i) => from + i),
    }));
    const policy = policyOf(gateOf({ champion: { margin: 0.05 } }));
    const successes = countOf('gate fairness', trials, (random) => {
      const pair = wideningGap(random, 0.05);
      const [opportunity] = compareFairness({ by: 'group', groups, ...pair, clusters: null, policy, seed: 7 }).measures;
      const harm = opportunity?.evidence.find(({ id }) => id.endsWith('/harm'));
      return harm?.kind === 'p-value' && harm.pValue <= 0.05;
    });
    return [{ what: 'taken for harm', rule: 'ours', successes, trials, target: level }];
  },
};

export const scenarios: readonly Scenario[] = [
  worseByAccuracy,
  worseByRanking,
  worseByResampling,
  equalIsNotBetter,
  power,
  daysAreNotRows,
  repeatedUse,
  slices,
  sliceOfOneWeather,
  fairness,
];
