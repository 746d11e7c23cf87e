import { describe, expect, test } from 'vitest';
import { type EvidentlyColumn, evidentlyColumn, evidentlyDataSet } from '#domain/stats/compatibility/evidently.ts';
import {
  chiSquareOfGivenShares,
  evidentlyCells,
  jensenShannonInNats,
  normedWasserstein,
} from '#domain/stats/compatibility/evidently-tests.ts';
import { zeroFilledPsi } from '#domain/stats/compatibility/zero-filled-psi.ts';
import { createRandom } from '#domain/stats/random.ts';
import golden from '../../../golden/evidently.json' with { type: 'json' };
import vectors from '../../../golden/vectors.json' with { type: 'json' };
import { expectRelative } from '../tolerance.ts';

/** As the script that made the answers reads it. */
type Recipe = {
  readonly seed: number;
  readonly rows: number;
  readonly draws: number;
  readonly shift: number;
  readonly scale: number;
  readonly levels?: number;
  readonly instead?: readonly unknown[];
};
const unusual: Readonly<Record<string, number>> = { missing: Number.NaN, infinite: Number.POSITIVE_INFINITY, far: 1e6 };

const sample = ({ seed, rows, draws, shift, scale, levels, instead = [] }: Recipe): number[] => {
  const random = createRandom(seed);
  const values = Array.from({ length: rows }, () => {
    const drawn = Array.from({ length: draws }, () => random());
    const base =
      levels === undefined
        ? drawn.reduce((sum, u) => sum + u, 0)
        : Math.floor(levels * drawn.reduce((product, u) => product * u, 1));
    return shift + scale * base;
  });
  for (const [position, name] of instead as [number, string][]) values[position] = unusual[name] as number;
  return values;
};

type ColumnRecipe = { readonly kind: string; readonly reference: Recipe; readonly current: Recipe };
const columnOf = ({ kind, reference, current }: ColumnRecipe): EvidentlyColumn => {
  if (kind === 'numeric') return { kind, reference: Object.freeze(sample(reference)), current: Object.freeze(sample(current)) };
  const names = (recipe: Recipe) => Object.freeze(sample(recipe).map((one) => (Number.isNaN(one) ? null : `v${one}`)));
  return { kind: 'categorical', reference: names(reference), current: names(current) };
};

describe('evidentlyColumn()', () => {
  test.each(golden.columns.map((one, number) => ({ ...one, number })))(
    'agrees with Evidently: column $number, $kind by $test',
    ({ test, threshold, score, isDrift, ...recipe }) => {
      const found = evidentlyColumn(columnOf(recipe as ColumnRecipe));
      expect(found).toMatchObject({ test, threshold, isDrift });
      // Beyond 10,000 rows SciPy approximates; z goes by one less the rest, which is 0 where the tail is below 1e-16.
      const tolerance = test === 'ks' && recipe.current.rows > 10_000 ? 1e-5 : 1e-9;
      expectRelative(found?.score as number, score, tolerance, test === 'z' ? 1e-15 : Number.MIN_VALUE);
    },
  );

  test('covers every test that there is', () => {
    expect(new Set(golden.columns.map((one) => one.test)).size).toBe(5);
  });

  test('says which way its score points', () => {
    const column = { kind: 'numeric', reference: [1, 2, 3, 4, 5, 6], current: [7, 8, 9, 10, 11] } as const;
    expect(evidentlyColumn(column)).toMatchObject({ test: 'ks', scoreIs: 'p-value', isDrift: true });
    const many = Array.from({ length: 1001 }, (_, row) => row);
    expect(evidentlyColumn({ kind: 'numeric', reference: many, current: many })).toMatchObject({
      test: 'wasserstein',
      scoreIs: 'distance',
      score: 0,
      isDrift: false,
    });
  });

  test('a side without a usable value is no answer', () => {
    expect(evidentlyColumn({ kind: 'numeric', reference: [], current: [1] })).toBeNull();
    expect(evidentlyColumn({ kind: 'numeric', reference: [1], current: [Number.NaN, Number.POSITIVE_INFINITY] })).toBeNull();
    expect(evidentlyColumn({ kind: 'categorical', reference: [null], current: ['a'] })).toBeNull();
  });
});

describe('evidentlyDataSet()', () => {
  test.each(golden.dataSets)('agrees with Evidently: $drifted drift', ({ columns, columnDrift, ...wanted }) => {
    const results = columns.map((recipe) => evidentlyColumn(columnOf(recipe as ColumnRecipe)));
    expect(results.map((result) => result?.isDrift)).toEqual(columnDrift);
    expect(evidentlyDataSet(results.filter((result) => result !== null))).toEqual(wanted);
  });

  test('fires from half of the columns on; without any there is no answer', () => {
    const columns = (drifted: number, all: number) => Array.from({ length: all }, (_, i) => ({ isDrift: i < drifted }));
    expect(evidentlyDataSet(columns(9, 20))?.isDrift).toBe(false);
    expect(evidentlyDataSet(columns(10, 20))?.isDrift).toBe(true);
    expect(evidentlyDataSet(columns(6, 20), 0.3)?.isDrift).toBe(true);
    expect(evidentlyDataSet([])).toBeNull();
  });
});

describe('distances that Evidently has by name', () => {
  test.each(golden.named)('agree with it: $jensenshannon and $psi', ({ reference, current, jensenshannon, psi }) => {
    const cells = evidentlyCells('numeric', sample(reference as Recipe), sample(current as Recipe));
    expectRelative(jensenShannonInNats(cells), jensenshannon, 1e-9);
    expectRelative(zeroFilledPsi(cells.reference, cells.current) as number, psi, 1e-9);
  });

  test('zeroFilledPsi() agrees with the vector', () => {
    const { ref, cur } = vectors.psi_zero;
    expectRelative(
      zeroFilledPsi(Object.freeze(ref), Object.freeze(cur)) as number,
      vectors.psi_zero['floor_1e-4_not_renormalised'],
      1e-9,
    );
    expect(zeroFilledPsi([0, 0], [1, 2])).toBeNull();
    expect(() => zeroFilledPsi([1], [1, 2])).toThrow(RangeError);
  });

  test('chiSquareOfGivenShares() agrees with the vector', () => {
    const { ref, cur } = vectors.categorical;
    const wanted = vectors.chi2.one_sample_ref_treated_as_known;
    const found = chiSquareOfGivenShares({ reference: ref, current: cur });
    expectRelative(found.statistic, wanted.x2, 1e-9);
    expectRelative(found.pValue, wanted.p, 1e-9);
  });

  test('normedWasserstein() hardly sees what is measured in small units', () => {
    expect(normedWasserstein([1e-6, 2e-6], [5e-6, 6e-6])).toBeLessThan(0.01);
  });
});
