import type { Numbers } from '../ranks.ts';

/** What a regression model would score if its predicted losses are true; in the unit of the label. */
export type DirectLoss = { readonly rows: number; readonly mae: number; readonly rmse: number };

/**
 * Direct loss estimation: mean absolute error and root mean squared error of a regression model without a single label,
 * from the absolute and the squared error that a second model predicts for each row. The root is taken of the mean.
 *
 * It holds where the inputs change within what the second model has seen. Concept drift it cannot see. The band around it
 * is that of `compareEstimate`. Null without rows. Throws RangeError for a predicted loss that is negative or not finite,
 * and for lists of different lengths.
 *
 * Source: definition.
 * @example averageLosses([1, 3], [1, 9]).rmse // 2.23606797749979
 */
export const averageLosses = (absolute: Numbers, squared: Numbers): DirectLoss | null => {
  const rows = absolute.length;
  if (squared.length !== rows)
    throw new RangeError(
      `Cannot average losses as there must be as many squared as absolute ones, ${rows}: there are ${squared.length}`,
    );
  if (rows === 0) return null;
  return { rows, mae: meanLoss(absolute), rmse: Math.sqrt(meanLoss(squared)) };
};

const meanLoss = (losses: Numbers): number => {
  let sum = 0;
  for (let row = 0; row < losses.length; row++) {
    const loss = losses[row] as number;
    if (!(loss >= 0) || loss === Number.POSITIVE_INFINITY)
      throw new RangeError(`Cannot average losses as that of row ${row} must be finite and >= 0: it is ${loss}`);
    sum += loss;
  }
  return sum / losses.length;
};
