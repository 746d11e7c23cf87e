/** Evidently's defaults on data in which nothing has changed, and on data in which much has: ours beside them. */
import { type EvidentlyColumn, evidentlyColumn, evidentlyDataSet } from '#domain/stats/compatibility/evidently.ts';
import { evidentlyCells, jensenShannonInNats } from '#domain/stats/compatibility/evidently-tests.ts';
import { smoothedPsi } from '#domain/stats/distances/psi.ts';
import { debiasedPsi } from '#domain/stats/distances/psi-noise.ts';
import { benjaminiHochberg } from '#domain/stats/multiple/benjamini-hochberg.ts';
import type { Random } from '#domain/stats/random.ts';
import { chiSquareHomogeneity } from '#domain/stats/two-sample/chi-square.ts';
import type { Finding, Scenario } from '../scenario.ts';
import {
  atLeast,
  atMost,
  countBetween,
  equalShares,
  findingsOf,
  normalEdges,
  normals,
  turn,
  type Wheel,
  wheelOf,
} from '../two-sample/worlds.ts';

type Counted = { readonly reference: number[]; readonly current: number[] };

/** What our drift state asks of one variable in one window: a change that matters (at the warn level), and no noise. */
const oursOf = ({ reference, current }: Counted): { isLarge: boolean; pValue: number } => {
  const rows = (counts: readonly number[]): number => counts.reduce((sum, count) => sum + count, 0);
  const sizes = { cells: reference.length, referenceRows: rows(reference), currentRows: rows(current) };
  return {
    isLarge: debiasedPsi(smoothedPsi(reference, current) ?? 0, sizes) >= 0.1,
    pValue: chiSquareHomogeneity(reference, current)?.pValue ?? 1,
  };
};
const oursFires = (counted: Counted): boolean => {
  const { isLarge, pValue } = oursOf(counted);
  return isLarge && pValue <= 0.05;
};

const edgesFor = (rows: number): Float64Array => normalEdges(rows < 2000 ? 10 : 20);
const numeric = (before: Float64Array, now: Float64Array): EvidentlyColumn => ({
  kind: 'numeric',
  reference: Array.from(before),
  current: Array.from(now),
});
const fires = (column: EvidentlyColumn): boolean => evidentlyColumn(column)?.isDrift ?? false;

const numericColumns: Scenario = {
  name: 'one number, nothing changed',
  claim: 'Ours asks for a size and for evidence, and fires in at most 5 % of windows however few rows there are.',
  rows: (full) =>
    (
      [
        [1000, 1000],
        [5000, 50],
        [5000, 100],
        [5000, 200],
        [5000, 500],
        [5000, 1000],
      ] as const
    ).flatMap(([n, m]) => {
      const what = `${n} against ${m} rows`;
      const edges = edgesFor(n);
      return findingsOf(what, `evidently number ${what}`, full ? 600 : 4, { ours: atMost(0.05) }, (random) => {
        const [before, now] = [normals(random, n), normals(random, m)];
        const column = numeric(before, now);
        const cells = evidentlyCells('numeric', column.reference as number[], column.current as number[]);
        return {
          ours: oursFires({ reference: countBetween(before, edges), current: countBetween(now, edges) }),
          [`Evidently's default (${evidentlyColumn(column)?.test})`]: fires(column),
          "Evidently's Jensen-Shannon >= 0.1": jensenShannonInNats(cells) >= 0.1,
        };
      });
    }),
};

/** Names of the cells that a wheel gave: what Evidently counts again. */
const named = (counts: readonly number[]): string[] => counts.flatMap((count, cell) => new Array<string>(count).fill(`v${cell}`));

const categories: Scenario = {
  name: 'one category, nothing changed',
  claim: 'Ours fires in at most 5 % of windows, whatever the sizes and the number of values.',
  rows: (full) =>
    (
      [
        [3, 1000, 1000],
        [5, 1000, 1000],
        [10, 1000, 1000],
        [10, 500, 5000],
        [10, 5000, 50],
        [10, 5000, 100],
        [10, 5000, 200],
        [10, 5000, 500],
      ] as const
    ).flatMap(([values, n, m]) => {
      const wheel: Wheel = wheelOf(equalShares(values));
      const what = `${values} values, ${n} against ${m} rows`;
      return findingsOf(what, `evidently category ${what}`, full ? 1500 : 8, { ours: atMost(0.05) }, (random) => {
        const [reference, current] = [turn(random, wheel, n), turn(random, wheel, m)];
        const found = evidentlyColumn({ kind: 'categorical', reference: named(reference), current: named(current) });
        return { ours: oursFires({ reference, current }), [`Evidently's default (${found?.test})`]: found?.isDrift ?? false };
      });
    }),
};

const features = 20;

/** A window of 20 numbers of which some have moved by so many standard deviations. */
const windowOf = (
  random: Random,
  n: number,
  m: number,
  moved: number,
  by: number,
): { column: EvidentlyColumn; counted: Counted }[] => {
  const edges = edgesFor(n);
  return Array.from({ length: features }, (_, feature) => {
    const [before, now] = [normals(random, n), normals(random, m, feature < moved ? by : 0)];
    return {
      column: numeric(before, now),
      counted: { reference: countBetween(before, edges), current: countBetween(now, edges) },
    };
  });
};

/** Ours: any feature that is large, and not noise among all of them; a fifth of them is the default for a data set. */
const oursOnWindow = (window: readonly { counted: Counted }[], share: number): boolean => {
  const judged = window.map(({ counted }) => oursOf(counted));
  const adjusted = benjaminiHochberg(judged.map(({ pValue }) => pValue));
  const alarms = judged.filter(({ isLarge }, feature) => isLarge && (adjusted[feature] as number) <= 0.05).length;
  return alarms > 0 && alarms / features >= share;
};

const dataSets: Scenario = {
  name: 'twenty numbers',
  claim:
    'Ours alarms in at most 1 % of windows in which nothing changed, and in at least 99 % in which 4 of 20 features moved by one standard deviation.',
  rows: (full): Finding[] => {
    const look = (what: string, n: number, m: number, moved: number, targets: Parameters<typeof findingsOf>[3]): Finding[] =>
      findingsOf(what, `evidently data set ${what}`, full ? 120 : 1, targets, (random) => {
        const window = windowOf(random, n, m, moved, 1);
        const columns = window.map(({ column }) => ({ isDrift: fires(column) }));
        return {
          'ours, a fifth of the features': oursOnWindow(window, 0.2),
          'ours, any feature': oursOnWindow(window, 0),
          "Evidently's default, half of the columns": evidentlyDataSet(columns)?.isDrift ?? false,
          "Evidently's columns, any": columns.some(({ isDrift }) => isDrift),
        };
      });
    const quiet = { 'ours, a fifth of the features': atMost(0.01) };
    const loud = { 'ours, a fifth of the features': atLeast(0.99) };
    return [
      ...look('nothing changed, 5000 against 100 rows', 5000, 100, 0, quiet),
      ...look('nothing changed, 5000 against 500 rows', 5000, 500, 0, quiet),
      ...look('nothing changed, 1000 against 1000 rows', 1000, 1000, 0, quiet),
      ...look('4 of 20 moved by 1 sd, 5000 against 500 rows', 5000, 500, 4, loud),
      ...look('9 of 20 moved by 1 sd, 5000 against 500 rows', 5000, 500, 9, loud),
    ];
  },
};

export const scenarios: readonly Scenario[] = [numericColumns, categories, dataSets];
