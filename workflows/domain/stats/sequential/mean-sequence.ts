import { type ArmMoments, varianceOfDifference } from './normal-mixture.ts';

const checkAlpha = (alpha: number): void => {
  if (!(alpha > 0 && alpha < 1)) throw new RangeError(`Cannot bound a mean as alpha must be in (0, 1): it is ${alpha}`);
};

/**
 * Tuning at which the bounds of a mean are near their narrowest after that many rows. Throws RangeError for alpha outside
 * (0, 1) or no rows.
 *
 * Source: Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas, "Time-uniform central limit theory and asymptotic confidence
 * sequences", Annals of Statistics 52 (2024), appendix on tuning: sqrt((-2 log alpha + log(1 - 2 log alpha)) / n).
 * Agrees with: test/golden/vectors.json "confidence_sequence", 1e-9.
 * @example sequenceTuning(1000, 0.05) // 0.08908509753...
 */
export const sequenceTuning = (rows: number, alpha: number): number => {
  checkAlpha(alpha);
  if (!(rows > 0)) throw new RangeError(`Cannot tune a sequence as it needs rows: ${rows}`);
  const log = -2 * Math.log(alpha);
  return Math.sqrt((log + Math.log1p(log)) / rows);
};

/**
 * Half the width of bounds for a mean that hold at all times together, `deviation` being that of a row (divisor n).
 * For large samples; infinite without rows. Throws RangeError for a deviation or rows below 0 and a tuning not above 0. About 1.5 times the width for one look at the rows that it is tuned for.
 *
 * Source: the same paper, theorem 2.2.
 * Agrees with: test/golden/vectors.json "confidence_sequence", 1e-9; test/golden/sequential.json, 1e-12.
 * @example sequenceHalfWidth({ deviation: 1, rows: 1000 }, { alpha: 0.05, tuning: sequenceTuning(1000, 0.05) }) // 0.09598173584...
 */
export const sequenceHalfWidth = (
  { deviation, rows }: { readonly deviation: number; readonly rows: number },
  { alpha, tuning }: { readonly alpha: number; readonly tuning: number },
): number => {
  checkAlpha(alpha);
  if (!(deviation >= 0) || !(rows >= 0) || !(tuning > 0)) {
    throw new RangeError(
      `Cannot bound a mean as deviation >= 0, rows >= 0 and tuning > 0 must hold: ${deviation}, ${rows}, ${tuning}`,
    );
  }
  if (rows === 0) return Number.POSITIVE_INFINITY;
  const information = rows * tuning * tuning;
  const log = 0.5 * Math.log1p(information) - Math.log(alpha);
  return deviation * Math.sqrt((2 * (information + 1) * log) / (rows * information));
};

/**
 * Half the width of bounds for a difference of two means at all times together; arms may be unequal, rows of both arms
 * come mixed in time at a fixed split. Throws RangeError where an arm is empty.
 *
 * Source: the same paper, section 3: the difference as a mean over all rows, each weighed by the inverse of its arm's share.
 * Agrees with: test/golden/sequential.json, 1e-12.
 * @example differenceHalfWidth({ variance: 1, rows: 500 }, { variance: 1, rows: 500 }, { alpha: 0.05, tuning: 0.1 }) // 0.1921280385...
 */
export const differenceHalfWidth = (
  one: ArmMoments,
  other: ArmMoments,
  settings: { readonly alpha: number; readonly tuning: number },
): number => {
  const rows = one.rows + other.rows;
  return sequenceHalfWidth({ deviation: Math.sqrt(varianceOfDifference(one, other) * rows), rows }, settings);
};
