/** One served row against the same row computed again. */
import type { AnsweredRecord } from '#domain/contracts/capture.ts';
import type { ServedView } from '#domain/contracts/feature-set.ts';
import type { SkewMismatch } from '#domain/contracts/skew-report.ts';
import type { ViewValues } from '../../infra/features/published-values.ts';

export type Views = Readonly<Record<string, ViewValues>>;
export type Found = Pick<SkewMismatch, 'what' | 'name' | 'served' | 'recomputed'>;

/** Sums of fractions depend in their last bits on how threads share them out. */
export const relativeTolerance = 1e-9;
/** The same runtime on another processor differs in the last bits of a float32. */
export const answerTolerance = 1e-5;
/** Features are float32: one rounding apart. */
const featureTolerance = 1e-6;

const near = (left: number, right: number, tolerance: number): boolean =>
  Math.abs(left - right) <= tolerance * Math.max(1, Math.abs(left), Math.abs(right));

const isSame = (served: unknown, recomputed: unknown, tolerance: number): boolean => {
  if (typeof served === 'number' && typeof recomputed === 'number') return near(served, recomputed, tolerance);
  return (served ?? null) === (recomputed ?? null);
};

/** View by view, value by value. */
export const compareViews = (views: readonly ServedView[], served: Views, recomputed: Views): Found[] =>
  views.flatMap(({ name, values }) =>
    values.flatMap((value): Found[] => {
      const [was, is] = [served[name]?.[value] ?? null, recomputed[name]?.[value] ?? null];
      if (isSame(was, is, relativeTolerance)) return [];
      return [{ what: 'view', name: `${name}.${value}`, served: was, recomputed: is }];
    }),
  );

const orNull = (value: number): number | null => (Number.isNaN(value) ? null : value);

/** Number by number of the vector; NaN is a missing value, and equals itself. */
export const compareVectors = (names: readonly string[], served: Float32Array, recomputed: Float32Array): Found[] =>
  names.flatMap((name, index): Found[] => {
    const [was, is] = [orNull(served[index] as number), orNull(recomputed[index] as number)];
    return isSame(was, is, featureTolerance) ? [] : [{ what: 'feature', name, served: was, recomputed: is }];
  });

/** Output by output. */
export const compareAnswers = (
  names: readonly string[],
  served: AnsweredRecord['scores'],
  recomputed: readonly number[],
): Found[] =>
  names.flatMap((name, index): Found[] => {
    const [was, is] = [served[index] ?? null, recomputed[index] ?? null];
    return isSame(was, is, answerTolerance) ? [] : [{ what: 'answer', name, served: was, recomputed: is }];
  });
