import { type LabelWaits, type LagCurve, lagOfShare, shareArrived } from './lag-curve.ts';

/**
 * What a pipeline says about its labels. With `unlabelled` "negative", a prediction without a label at the horizon has
 * label 0, as where only frauds are reported; otherwise such a prediction has no label and counts nowhere.
 */
export type LabelPolicy =
  | { readonly unlabelled: 'unknown'; readonly horizonMs: number | null }
  | { readonly unlabelled: 'negative'; readonly horizonMs: number };

/** A span of predictions by event time, [fromMs, toMs). */
export type Span = { readonly fromMs: number; readonly toMs: number };

/** Only a matured window decides. A provisional one is shown, with the share of labels that its youngest row may have. */
export type Maturity =
  | { readonly kind: 'matured'; readonly ageMs: number; readonly afterMs: number; readonly by: 'lag' | 'horizon' }
  | { readonly kind: 'provisional'; readonly ageMs: number; readonly afterMs: number | null; readonly arrivedShare: number };

/** The share of labels that must have arrived before a window decides. */
export const maturedShare = 0.95;

/**
 * Whether a window may decide at an instant: its age, counted from its end, exceeds the lag by which 95 % of the labels
 * arrive, or the horizon, whichever is shorter. Where no label means negative only the horizon counts, for before it
 * every row still waiting would be called negative too soon.
 *
 * A window that has not ended has a negative age and is provisional. With neither a horizon nor a curve that reaches 95 %,
 * no window ever matures: `afterMs` is null. Throws RangeError for a window without length and a horizon that is not > 0.
 *
 * Source: definition.
 */
export const maturityOf = (window: Span, nowMs: number, curve: LagCurve, policy: LabelPolicy): Maturity => {
  if (!(window.fromMs < window.toMs))
    throw new RangeError(`Cannot judge a window as it must begin before it ends: ${window.fromMs} to ${window.toMs}`);
  const { afterMs, by } = waitOf(curve, policy);
  const ageMs = nowMs - window.toMs;
  if (afterMs !== null && ageMs > afterMs) return { kind: 'matured', ageMs, afterMs, by };
  return { kind: 'provisional', ageMs, afterMs, arrivedShare: shareArrived(curve, ageMs) };
};

const waitOf = (curve: LagCurve, { unlabelled, horizonMs }: LabelPolicy): { afterMs: number | null; by: 'lag' | 'horizon' } => {
  if (horizonMs !== null && !(horizonMs > 0))
    throw new RangeError(`Cannot judge a window as the horizon must be > 0: it is ${horizonMs}`);
  const lagMs = unlabelled === 'negative' ? null : lagOfShare(curve, maturedShare);
  if (lagMs === null) return { afterMs: horizonMs, by: 'horizon' };
  return horizonMs === null || lagMs <= horizonMs ? { afterMs: lagMs, by: 'lag' } : { afterMs: horizonMs, by: 'horizon' };
};

/** Of many windows, those that are matured at an instant, in their order. */
export const maturedWindows = <Window extends Span>(
  windows: readonly Window[],
  nowMs: number,
  curve: LagCurve,
  policy: LabelPolicy,
): Window[] => windows.filter((window) => maturityOf(window, nowMs, curve, policy).kind === 'matured');

/**
 * Waits in which every prediction has settled at the horizon: those without a label until then got theirs at it, because
 * nothing by the horizon means negative. Waits are cut at the horizon. The curve of these reaches 1.
 *
 * Source: definition.
 */
export const settleAt = ({ waitsMs, arrived }: LabelWaits, horizonMs: number): LabelWaits => ({
  waitsMs: Float64Array.from(waitsMs, (waitMs) => Math.min(waitMs, horizonMs)),
  arrived: Uint8Array.from(waitsMs, (waitMs, row) => (arrived[row] === 1 || waitMs >= horizonMs ? 1 : 0)),
});

/** Rows under which a figure would hang on a single label that came early: one weighs at most 20. */
const smallestShare = 0.05;

/** Weights are whole numbers of thousandths, as every metric here takes them; 1000 is one row. */
export const weightOfOneRow = 1000;

/**
 * Weights of labelled rows of a provisional window, by the inverse of the share of labels that have arrived at their age:
 * a young row stands for those of its age that are still waiting. Thousandths; at most 20 rows' worth.
 *
 * This mends the mixture of ages, not the labels: where positives are reported sooner than negatives, a provisional
 * figure has too many of them, and no weight by age can tell. That is why it never decides. Throws RangeError for an age
 * that is NaN.
 *
 * Source: Horvitz and Thompson, JASA 47 (1952); with weights cut: Cole and Hernán, American Journal of Epidemiology 168 (2008).
 * @example provisionalWeights([9], estimateLagCurve({ waitsMs: [5, 20], arrived: [1, 1] })) // Uint32Array [2000]
 */
export const provisionalWeights = (agesMs: ArrayLike<number>, curve: LagCurve): Uint32Array =>
  Uint32Array.from(agesMs, (ageMs, row) => {
    if (Number.isNaN(ageMs)) throw new RangeError(`Cannot weigh a row as its age must be a number: that of row ${row} is NaN`);
    return Math.round(weightOfOneRow / Math.max(smallestShare, shareArrived(curve, ageMs)));
  });
