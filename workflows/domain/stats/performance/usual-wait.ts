import { quantileOfSorted } from '../quantile.ts';
import type { LabelWaits } from './lag-curve.ts';
import { maturedShare } from './maturity.ts';

/** Fewer labels, and it is not known how long one takes. */
const fewestLabels = 30;

/** How many times the usual wait a prediction may be old before its label is missed. */
const patience = 2;

/**
 * The age from which on a prediction without a label is missed: twice the wait within which 95 % of the labels came that
 * came at all. Null with fewer than 30 labels.
 *
 * It needs no lag curve that reaches 95 %, which a feed that stops, or labels only a part, never gives. Where labels take
 * longer than predictions are known for, waits that were seen are nearly as long as any could be, so that twice of them
 * is older than all: nothing is missed too soon.
 *
 * Source: definition.
 */
export const missedAfter = ({ waitsMs, arrived }: LabelWaits): number | null => {
  const came = Float64Array.from(waitsMs).filter((_, row) => arrived[row] === 1);
  return came.length < fewestLabels ? null : patience * quantileOfSorted(came.sort(), maturedShare);
};
