/** Two samples of counts or values: do the tests fire as often as they say, and do they see what they must? */
import { chiSquareOfGivenShares } from '#domain/stats/compatibility/evidently-tests.ts';
import { psi, smoothedPsi } from '#domain/stats/distances/psi.ts';
import { debiasedPsi, psiPValue } from '#domain/stats/distances/psi-noise.ts';
import { totalVariation } from '#domain/stats/distances/total-variation.ts';
import { designEffectOf } from '#domain/stats/drift/design-effect.ts';
import { benjaminiHochberg } from '#domain/stats/multiple/benjamini-hochberg.ts';
import { conformalPValue } from '#domain/stats/multiple/conformal.ts';
import { holm } from '#domain/stats/multiple/holm.ts';
import type { Random } from '#domain/stats/random.ts';
import { chiSquareHomogeneity } from '#domain/stats/two-sample/chi-square.ts';
import { clopperPearson } from '#domain/stats/two-sample/clopper-pearson.ts';
import { doublingEpochThreshold } from '#domain/stats/two-sample/dkw.ts';
import { kolmogorovSmirnovTest } from '#domain/stats/two-sample/kolmogorov-smirnov.ts';
import { permutationTest } from '#domain/stats/two-sample/permutation.ts';
import { permuteEntities } from '#domain/stats/two-sample/permutation-cells.ts';
import { newcombeInterval, wilsonInterval } from '#domain/stats/two-sample/proportions.ts';
import { binomial } from '../samplers.ts';
import type { Finding, Scenario } from '../scenario.ts';
import {
  atLeast,
  atMost,
  countBetween,
  countsByEntity,
  entities,
  equalShares,
  findingsOf,
  normalEdges,
  normals,
  turn,
  type Wheel,
  wheelOf,
  zipfShares,
} from '../two-sample/worlds.ts';

const chiSquareP = (reference: readonly number[], current: readonly number[], designEffect = 1): number =>
  chiSquareHomogeneity(reference, current, designEffect)?.pValue ?? 1;
const ksP = (reference: Float64Array, current: Float64Array): number => kolmogorovSmirnovTest(reference, current)?.pValue ?? 1;
const sizes = (n: number, m: number): string => `${n.toLocaleString('en')} against ${m.toLocaleString('en')} rows`;

const homogeneity: Scenario = {
  name: 'chi-square of homogeneity, nothing changed',
  claim: 'Fires in 5 % of windows without a change (at most 5.5 %), whatever the cells and sizes; sparse cells are put together.',
  rows: (full) =>
    (
      [
        ['3 cells', wheelOf(equalShares(3)), 1000, 1000],
        ['10 cells', wheelOf(equalShares(10)), 1000, 1000],
        ['20 cells', wheelOf(equalShares(20)), 1000, 1000],
        ['10 cells', wheelOf(equalShares(10)), 5000, 200],
        ['20 cells', wheelOf(equalShares(20)), 200, 5000],
        ['20 sparse cells', wheelOf(zipfShares(20)), 1000, 80],
        ['50 sparse cells', wheelOf(zipfShares(50)), 2000, 150],
        ['50 very sparse cells', wheelOf(zipfShares(50)), 40, 40],
      ] as const
    ).flatMap(([what, wheel, n, m]) => {
      const question = `${what}, ${sizes(n, m)}`;
      const trials = full ? 10_000 : 80;
      return findingsOf(question, `homogeneity ${question}`, trials, { ours: atMost(0.055) }, (random) => {
        const [reference, current] = [turn(random, wheel, n), turn(random, wheel, m)];
        return {
          ours: chiSquareP(reference, current) <= 0.05,
          'reference taken as known (Evidently)': chiSquareOfGivenShares({ reference, current }).pValue < 0.05,
        };
      });
    }),
};

const kolmogorovSmirnov: Scenario = {
  name: 'Kolmogorov-Smirnov, nothing changed',
  claim: 'Fires in at most 5 % of windows without a change: exactly counted, by Stephens, and with ties.',
  rows: (full) => {
    const rounded = (values: Float64Array): Float64Array => values.map((value) => Math.round(value * 2) / 2);
    const kinds: [string, number, number, number, (values: Float64Array) => Float64Array][] = [
      ['exact', 60, 40, 10_000, (values) => values],
      ['exact', 4, 36, 10_000, (values) => values],
      ['exact', 36, 4, 10_000, (values) => values],
      ['exact, ties', 60, 40, 10_000, rounded],
      ['Stephens', 2500, 2000, 2000, (values) => values],
      ['Stephens', 20_000, 250, 800, (values) => values],
      ['Stephens, ties', 2500, 2000, 2000, rounded],
    ];
    return kinds.flatMap(([what, n, m, trials, read]) => {
      const question = `${what}, ${sizes(n, m)}`;
      return findingsOf(question, `ks ${question}`, full ? trials : 8, { ours: atMost(0.05) }, (random) => ({
        ours: ksP(read(normals(random, n)), read(normals(random, m))) <= 0.05,
      }));
    });
  },
};

/** Mean difference of two parts of one array, cut at a place. */
const meanDifference = (values: Float64Array, order: Uint32Array, cut: number): number => {
  const sums = [0, 0];
  for (const [place, unit] of order.entries())
    sums[place < cut ? 0 : 1] = (sums[place < cut ? 0 : 1] as number) + (values[unit] as number);
  return Math.abs((sums[0] as number) / cut - (sums[1] as number) / (order.length - cut));
};

const permutation: Scenario = {
  name: 'permutation test, unequal sizes',
  claim: 'Fires in 5 % of windows without a change, with 4 against 36 rows as with 20 against 20.',
  rows: (full) =>
    (
      [
        [20, 20],
        [4, 36],
        [36, 4],
      ] as const
    ).flatMap(([n, m]) =>
      findingsOf(sizes(n, m), `permutation ${n} ${m}`, full ? 6000 : 40, { ours: atMost(0.05) }, (random) => {
        const values = normals(random, n + m);
        const seed = Math.floor(random() * 2 ** 32);
        const plan = { units: n + m, permutations: 199, seed };
        const statistic = (order: Uint32Array, cut: number): number => meanDifference(values, order, cut);
        const observed = meanDifference(values, Uint32Array.from(values.keys()), n);
        let exceed = 0;
        permutationTest({
          ...plan,
          referenceUnits: n,
          statistic: (order) => {
            if (meanDifference(values, order, (n + m) / 2) >= observed) exceed += 1;
            return 0;
          },
        });
        return {
          ours: (permutationTest({ ...plan, referenceUnits: n, statistic })?.pValue as number) <= 0.05,
          'shuffles cut in halves': exceed / (plan.permutations + 1) <= 0.05,
        };
      }),
    ),
};

const entitiesEach = 50;
/** Enough for a rank of 5 %. */
const quietWindows = 19;

const clusteredRows: Scenario = {
  name: 'rows that come in clusters, nothing changed',
  claim:
    '20 rows an entity with a correlation of 0.3: at most 5 % fire with whole entities shuffled, or with the larger of the rank among 19 quiet windows and the p-value over their design effect. The design effect alone brings a third down to 12 %.',
  rows: (full) => {
    const edges = normalEdges(10);
    const targets = {
      'ours, entities shuffled': atMost(0.05),
      'ours, design effect and rank': atMost(0.05),
      'ours, design effect alone': atMost(0.12),
    };
    return findingsOf('1,000 against 1,000 rows', 'clustered', full ? 2000 : 20, targets, (random) => {
      const [before, now] = [entities(random, entitiesEach), entities(random, entitiesEach)];
      const [reference, current] = [countBetween(before, edges), countBetween(now, edges)];
      const quiet = Array.from({ length: quietWindows }, () => {
        const window = countBetween(entities(random, entitiesEach), edges);
        return { psi: smoothedPsi(reference, window) as number, cells: 10, referenceRows: 1000, currentRows: 1000 };
      });
      const shuffled = permuteEntities(countsByEntity(before, edges), countsByEntity(now, edges), {
        distance: totalVariation,
        permutations: 99,
        seed: Math.floor(random() * 2 ** 32),
      });
      const overDesignEffect = chiSquareP(reference, current, designEffectOf(quiet));
      const rank = conformalPValue(
        quiet.map((window) => window.psi),
        smoothedPsi(reference, current) as number,
      );
      return {
        'ours, entities shuffled': (shuffled?.pValue as number) <= 0.05,
        'ours, design effect and rank': Math.max(overDesignEffect, rank) <= 0.05,
        'ours, design effect alone': overDesignEffect <= 0.05,
        'chi-square as if independent': chiSquareP(reference, current) <= 0.05,
        'KS as if independent': ksP(before, now) <= 0.05,
      };
    });
  },
};

const psiNoise: Scenario = {
  name: 'PSI, nothing changed',
  claim:
    'The p-value fires in 5 % (at most 6 %); from the fewest rows on (173 for 10 cells, 311 for 20), the debiased PSI reaches the level 0.1 in at most 1 %.',
  rows: (full) =>
    (
      [
        [10, 1000, 1000],
        [10, 10_000, 173],
        [20, 10_000, 311],
        [10, 10_000, 100],
        [10, 100, 100],
      ] as const
    ).flatMap(([cells, n, m]) => {
      const wheel: Wheel = wheelOf(equalShares(cells));
      const question = `${cells} cells, ${sizes(n, m)}`;
      const isEnough = m > 100;
      const targets = isEnough ? { 'ours, p-value': atMost(0.06), 'ours, debiased >= 0.1': atMost(0.01) } : {};
      return findingsOf(question, `psi ${question}`, full ? 6000 : 40, targets, (random) => {
        const [reference, current] = [turn(random, wheel, n), turn(random, wheel, m)];
        const sizesOfThese = { cells, referenceRows: n, currentRows: m };
        const found = smoothedPsi(reference, current) as number;
        const bare = psi(reference, current) as number;
        return {
          'ours, p-value': psiPValue(found, sizesOfThese) <= 0.05,
          'ours, debiased >= 0.1': debiasedPsi(found, sizesOfThese) >= 0.1,
          'bare >= 0.1': bare >= 0.1,
          'bare >= 0.2': bare >= 0.2,
        };
      });
    }),
};

const power: Scenario = {
  name: 'what the tests see',
  claim:
    'With 10,000 against 1,000 rows and 20 cells, chi-square sees a shift of 0.2 standard deviations in at least 97 %, and a spread 1.25 times as large in at least 99 %.',
  rows: (full) => {
    const edges = normalEdges(20);
    const see = (what: string, mean: number, deviation: number, target: number): Finding[] =>
      findingsOf(what, `power ${what}`, full ? 800 : 10, { 'ours, chi-square': atLeast(target) }, (random) => {
        const [before, now] = [normals(random, 10_000), normals(random, 1000, mean, deviation)];
        return {
          'ours, chi-square': chiSquareP(countBetween(before, edges), countBetween(now, edges)) <= 0.05,
          'ours, KS': ksP(before, now) <= 0.05,
        };
      });
    return [
      ...see('shift of 0.1 sd', 0.1, 1, 0.3),
      ...see('shift of 0.2 sd', 0.2, 1, 0.97),
      ...see('spread of 1.25', 0, 1.25, 0.99),
    ];
  },
};

const proportions: Scenario = {
  name: 'limits of proportions',
  claim:
    'Clopper-Pearson covers the truth in at least 95 %; Newcombe covers a true difference in at least 94 %, also of rare events.',
  rows: (full) => {
    const trials = full ? 10_000 : 200;
    const within = ({ lower, upper }: { lower: number; upper: number }, truth: number): boolean =>
      lower <= truth && truth <= upper;
    const single = (p: number, rows: number): Finding[] =>
      findingsOf(
        `share ${p} of ${rows} rows`,
        `share ${p} ${rows}`,
        trials,
        { 'ours, Clopper-Pearson': atLeast(0.95) },
        (random) => {
          const count = binomial(random, rows, p);
          const error = 1.959964 * Math.sqrt(((count / rows) * (1 - count / rows)) / rows);
          return {
            'ours, Clopper-Pearson': within(clopperPearson({ count, rows }, 0.95) ?? { lower: 0, upper: 1 }, p),
            Wilson: within(wilsonInterval({ count, rows }, 0.95) ?? { lower: 0, upper: 1 }, p),
            Wald: within({ lower: count / rows - error, upper: count / rows + error }, p),
          };
        },
      );
    const difference = (p: number, n: number, q: number, m: number): Finding[] => {
      const what = `${p} of ${n} against ${q} of ${m} rows`;
      return findingsOf(what, `difference ${what}`, trials, { 'ours, Newcombe': atLeast(0.94) }, (random) => {
        const [old, fresh] = [binomial(random, n, p), binomial(random, m, q)];
        const [a, b] = [old / n, fresh / m];
        const error = 1.959964 * Math.sqrt((a * (1 - a)) / n + (b * (1 - b)) / m);
        return {
          'ours, Newcombe': within(
            newcombeInterval({ count: old, rows: n }, { count: fresh, rows: m }, 0.95) ?? { lower: -1, upper: 1 },
            q - p,
          ),
          Wald: within({ lower: b - a - error, upper: b - a + error }, q - p),
        };
      });
    };
    return [
      ...single(0.01, 200),
      ...single(0.3, 50),
      ...difference(0.01, 1000, 0.03, 300),
      ...difference(0.001, 10_000, 0.005, 200),
      ...difference(0.3, 100, 0.3, 60),
    ];
  },
};

const manyFeatures: Scenario = {
  name: 'a hundred features, nothing changed',
  claim: 'After Benjamini-Hochberg (or Holm) a window of 100 quiet features has any alarm in at most 5.5 % of cases.',
  rows: (full) => {
    const wheel = wheelOf(equalShares(10));
    const targets = { 'ours, Benjamini-Hochberg': atMost(0.055), 'ours, Holm': atMost(0.055) };
    return findingsOf('any of 100 features, 500 against 500 rows', 'hundred features', full ? 2000 : 10, targets, (random) => {
      const pValues = Array.from({ length: 100 }, () => chiSquareP(turn(random, wheel, 500), turn(random, wheel, 500)));
      return {
        'ours, Benjamini-Hochberg': Math.min(...benjaminiHochberg(pValues)) <= 0.05,
        'ours, Holm': Math.min(...holm(pValues)) <= 0.05,
        'each by itself': Math.min(...pValues) <= 0.05,
      };
    });
  },
};

/** Both streams grow from 2 to 4096 rows; each rule looks whenever they have doubled. */
const lookAtEpochs = (random: Random): { doubling: boolean; fixed: boolean } => {
  const [before, now] = [normals(random, 4096), normals(random, 4096)];
  let [doubling, fixed] = [false, false];
  for (let epoch = 1; epoch <= 12; epoch += 1) {
    const rows = 2 ** epoch;
    const found = kolmogorovSmirnovTest(before.subarray(0, rows), now.subarray(0, rows));
    const threshold = doublingEpochThreshold({ alpha: 0.05, epoch, referenceRows: rows, currentRows: rows });
    if ((found?.distance as number) >= threshold) doubling = true;
    if ((found?.pValue as number) <= 0.05) fixed = true;
  }
  return { doubling, fixed };
};

const growing: Scenario = {
  name: 'two growing samples, looked at whenever they have doubled',
  claim: 'Without a change the bound is crossed at any look in at most 5 % of streams.',
  rows: (full) =>
    findingsOf('any of 12 looks', 'doubling epochs', full ? 800 : 8, { 'ours, doubling epochs': atMost(0.05) }, (random) => {
      const { doubling, fixed } = lookAtEpochs(random);
      return { 'ours, doubling epochs': doubling, 'KS at 5 % at every look': fixed };
    }),
};

export const scenarios: readonly Scenario[] = [
  homogeneity,
  kolmogorovSmirnov,
  permutation,
  clusteredRows,
  psiNoise,
  power,
  proportions,
  manyFeatures,
  growing,
];
