/** Whole windows, as SciPy and statsmodels compute them from the same counts. */
import { describe, expect, test } from 'vitest';
import type { DriftReport } from '#domain/contracts/drift-report.ts';
import { measureDrift } from '#domain/stats/drift/measure-drift.ts';
import { rowVolumePValue } from '#domain/stats/drift/row-volume.ts';
import golden from '../../../golden/drift.json' with { type: 'json' };
import { expectRelative } from '../tolerance.ts';
import { counted, numericFeature, profileOf, profileSha256, windowOf } from './worlds.ts';

type Expected = Readonly<Record<string, number | boolean | null | undefined>>;
type GoldenFeature = {
  readonly reference: readonly number[];
  readonly current: readonly number[];
  readonly designEffect: number;
  readonly quiet: number[] | null;
  readonly expected: Expected;
};
const windows = golden.windows as readonly { readonly name: string; readonly features: readonly GoldenFeature[] }[];

const sizes = ['psi', 'noiseFloor', 'debiasedPsi', 'psiUpperLimit', 'pValue'] as const;
const corrections = ['benjamini-hochberg', 'benjamini-yekutieli', 'holm'] as const;

const measure = (features: readonly GoldenFeature[], correction: DriftReport['correction']) => {
  const profile = profileOf(
    features.map(({ reference, designEffect, quiet }, at) =>
      numericFeature(`f${at}`, reference, {
        quiet: { windows: 0, designEffect, statistics: quiet === null ? {} : { psi: quiet } },
      }),
    ),
  );
  return measureDrift(
    profile,
    windowOf(
      features.map(({ current }) => counted(current)),
      { rows: 1 },
    ),
    { profileSha256, correction },
  );
};

describe('measureDrift() agrees with SciPy and statsmodels', () => {
  test('on enough of them', () => expect(windows.flatMap(({ features }) => features).length).toBeGreaterThan(120));

  test.each(windows)('$name', ({ features }) => {
    for (const correction of corrections) {
      const report = measure(features, correction);
      for (const [at, { expected: wanted }] of features.entries()) {
        const found = report.features[at] as DriftReport['features'][number];
        expect(found.sufficient).toBe(wanted.sufficient);
        if (wanted.psi !== null) expect(found.fewestRows).toBe(wanted.fewestRows);
        for (const size of sizes) {
          if ((wanted[size] ?? null) === null) expect(found[size]).toBeNull();
          // What is zero is so up to the rounding of a logarithm.
          else expectRelative(found[size] as number, wanted[size] as number, 1e-9, 1e-15);
        }
        if (wanted.pValue !== null) expectRelative(found.adjustedPValue as number, wanted[correction] as number, 1e-9);
      }
    }
  });
});

describe('rowVolumePValue() agrees with SciPy', () => {
  test.each(golden.volumes)('$rows rows where $mean are usual, overdispersion $overdispersion, $windows windows', (one) => {
    expectRelative(rowVolumePValue(one.rows, one), one.pValue, 1e-8);
  });
});
