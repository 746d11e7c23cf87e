import type { Numbers } from '../ranks.ts';
import { normalReach } from '../special/normal.ts';

/**
 * How long labels take. Both lists have one entry for each prediction: how long it has waited (until its label, or until
 * now), in milliseconds, and whether the label has come (1) or not (0).
 */
export type LabelWaits = { readonly waitsMs: Numbers; readonly arrived: Numbers };

/** Steps of the share of labels that have arrived after a lag; the share holds from each lag until the next. */
export type LagCurve = {
  readonly predictions: number;
  readonly labels: number;
  /** Ascending; one for each distinct lag at which a label came. */
  readonly lagsMs: readonly number[];
  readonly shares: readonly number[];
  /** Greenwood's standard error of each share; 0 where nothing was left to wait for. */
  readonly standardErrors: readonly number[];
};

/**
 * Kaplan-Meier estimate of the lag of labels: the share that has arrived by each lag, in which a prediction without a
 * label counts for as long as it has waited. A label and the end of a wait at the same lag: the label came first.
 *
 * Without labels there are no steps, and no share has arrived at any lag. Labels that all came at once are one step to 1.
 * A label that will never come keeps the curve below 1 for ever; `settleAt` is for pipelines that say what that means.
 * Assumes that recent predictions are labelled no faster or slower than older ones. Throws RangeError for a negative or
 * infinite wait, and for lists of different lengths. O(n log n).
 *
 * Source: Kaplan and Meier, JASA 53 (1958); standard error: Greenwood (1926).
 * Agrees with: test/golden/performance.json "lags", `statsmodels` SurvfuncRight, 1e-10.
 * @example shareArrived(estimateLagCurve({ waitsMs: [5, 8, 8], arrived: [1, 1, 0] }), 8) // 0.6666666666666667
 */
export const estimateLagCurve = (waits: LabelWaits): LagCurve => {
  const steps = countByLag(waits);
  const lagsMs: number[] = [];
  const shares: number[] = [];
  const standardErrors: number[] = [];
  let waiting = waits.waitsMs.length;
  let [missing, greenwood] = [1, 0];
  for (const { lagMs, labels, ended } of steps) {
    if (labels > 0) {
      missing *= (waiting - labels) / waiting;
      greenwood += labels / (waiting * (waiting - labels));
      lagsMs.push(lagMs);
      shares.push(1 - missing);
      standardErrors.push(missing === 0 ? 0 : missing * Math.sqrt(greenwood));
    }
    waiting -= ended;
  }
  const labels = steps.reduce((sum, step) => sum + step.labels, 0);
  return { predictions: waits.waitsMs.length, labels, lagsMs, shares, standardErrors };
};

type Step = { readonly lagMs: number; readonly labels: number; readonly ended: number };

const countByLag = ({ waitsMs, arrived }: LabelWaits): Step[] => {
  if (waitsMs.length !== arrived.length)
    throw new RangeError(
      `Cannot estimate a lag as there must be as many arrivals as waits, ${waitsMs.length}: there are ${arrived.length}`,
    );
  const found = new Map<number, { labels: number; ended: number }>();
  for (let row = 0; row < waitsMs.length; row++) {
    const lagMs = waitsMs[row] as number;
    if (!(lagMs >= 0) || lagMs === Number.POSITIVE_INFINITY)
      throw new RangeError(`Cannot estimate a lag as the wait of row ${row} must be finite and >= 0: it is ${lagMs}`);
    const at = found.get(lagMs) ?? { labels: 0, ended: 0 };
    found.set(lagMs, { labels: at.labels + (arrived[row] === 1 ? 1 : 0), ended: at.ended + 1 });
  }
  return [...found].map(([lagMs, at]) => ({ lagMs, ...at })).sort((left, right) => left.lagMs - right.lagMs);
};

/** Number of steps at or below a lag. */
const stepsUntil = ({ lagsMs }: LagCurve, lagMs: number): number => {
  let low = 0;
  let high = lagsMs.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((lagsMs[middle] as number) <= lagMs) low = middle + 1;
    else high = middle;
  }
  return low;
};

/**
 * Share of labels that have arrived after a lag; 0 before the first step, and beyond the last what it was there.
 *
 * Source: definition.
 */
export const shareArrived = (curve: LagCurve, lagMs: number): number => {
  const steps = stepsUntil(curve, lagMs);
  return steps === 0 ? 0 : (curve.shares[steps - 1] as number);
};

/**
 * Lag by which a share of the labels has arrived: the first step at or above the share, in (0, 1]. Null where the curve
 * does not rise that far, because labels are missing or have not been waited for.
 *
 * Source: definition. Agrees with: test/golden/performance.json "lags", `statsmodels` SurvfuncRight.quantile, exactly.
 * @example lagOfShare(estimateLagCurve({ waitsMs: [5, 7, 9, 9], arrived: [1, 1, 1, 1] }), 0.5) // 7
 */
export const lagOfShare = (curve: LagCurve, share: number): number | null => {
  if (!(share > 0 && share <= 1)) throw new RangeError(`Cannot take a lag as the share must be in (0, 1]: it is ${share}`);
  // A product of fractions may end a rounding below the share that it is.
  const place = curve.shares.findIndex((one) => one >= share - 1e-12);
  return place === -1 ? null : (curve.lagsMs[place] as number);
};

/**
 * Two-sided limits of the share that has arrived, on the scale log(-log(1 - share)), so that they stay within [0, 1].
 * Null before the first step and where everything has arrived: there the curve knows no error of its own.
 *
 * Source: Kalbfleisch and Prentice, The Statistical Analysis of Failure Time Data (1980), section 1.3.
 * Agrees with: test/golden/performance.json "lags", a computation from the definition, 1e-10.
 */
export const boundShareArrived = (
  curve: LagCurve,
  lagMs: number,
  confidence: number,
): { readonly lower: number; readonly upper: number } | null => {
  const steps = stepsUntil(curve, lagMs);
  const missing = 1 - shareArrived(curve, lagMs);
  if (steps === 0 || !(missing > 0)) return null;
  const relative = (curve.standardErrors[steps - 1] as number) / missing;
  const reach = Math.exp((normalReach(confidence) * relative) / Math.abs(Math.log(missing)));
  return { lower: 1 - missing ** (1 / reach), upper: 1 - missing ** reach };
};
