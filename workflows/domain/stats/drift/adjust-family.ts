import type { DriftReport, VariableDrift } from '../../contracts/drift-report.ts';
import { benjaminiHochberg, benjaminiYekutieli } from '../multiple/benjamini-hochberg.ts';
import { holm } from '../multiple/holm.ts';

type Correction = DriftReport['correction'];

const corrections: Readonly<Record<Correction, (pValues: readonly number[]) => Float64Array>> = {
  'benjamini-hochberg': benjaminiHochberg,
  'benjamini-yekutieli': benjaminiYekutieli,
  holm,
};

/**
 * Fills in the adjusted p-values of one family of tests. What was not tested stays out of it and keeps null.
 *
 * Source: as for the correction.
 */
export const adjustFamily = (family: readonly VariableDrift[], correction: Correction): VariableDrift[] => {
  const tested = family.flatMap(({ pValue }) => (pValue === null ? [] : [pValue]));
  const adjusted = corrections[correction](tested);
  let next = 0;
  return family.map((one) => (one.pValue === null ? one : { ...one, adjustedPValue: adjusted[next++] as number }));
};

/**
 * Features of a window: all are one family under the correction asked for, which lets a known share of false ones through.
 * A critical feature alarms alone, so critical ones are a family of their own, under Holm: not even one false alarm.
 *
 * Source: Benjamini and Hochberg (1995); Holm (1979).
 */
export const adjustFeatures = (features: readonly VariableDrift[], correction: Correction): VariableDrift[] => {
  const critical = adjustFamily(
    features.filter((one) => one.critical),
    'holm',
  );
  const all = adjustFamily(features, correction);
  let next = 0;
  return all.map((one) => (one.critical ? (critical[next++] as VariableDrift) : one));
};
