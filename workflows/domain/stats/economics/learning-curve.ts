import { normalUpperQuantile } from '../special/normal.ts';
import { checkPositiveAmount } from './check.ts';

/** A model of the last retrain, trained on that many rows, and its loss on the hold-out that all points share. */
export type CurvePoint = { readonly rows: number; readonly loss: number; readonly standardError: number };

/** What a freshly trained model would lose. Bounds are one-sided, each at the stated confidence. */
export type FreshLoss = {
  readonly method: 'power law' | 'last observed';
  readonly estimate: number;
  readonly lower: number;
  readonly upper: number;
  readonly standardError: number;
};

/** Two parameters and two rows to judge them by. */
const fewestPoints = 4;
/** A curve is believed as far as twice what it saw. */
const farthest = 2;

/**
 * Loss to be expected of a model freshly trained on that many rows, from the learning curve of the last retrain.
 *
 * With four points or more whose loss falls, a power law through them, and never extrapolated beyond twice the largest:
 * more rows count as those. Otherwise the loss of the most rows as it was seen, which promises no improvement; so also
 * with a loss or a standard error of 0, or where all points have the same rows. The standard error is never below that
 * of the last point, because points that share a hold-out err together. The lower bound is never below 0.
 * Throws RangeError without points, for a negative or infinite number, or a confidence outside (0.5, 1).
 *
 * Source: loss = b n^-c, fitted as log loss on log rows by weighted least squares, weights (loss / standard error)^2;
 * a fit that scatters more than its errors allow widens them (Birge, Physical Review 40 (1932)).
 * Agrees with: test/golden/economics.json, `statsmodels` WLS, 1e-9.
 * @example freshLoss([{ rows: 1000, loss: 0.3, standardError: 0.01 }], 2000, 0.95).estimate // 0.3
 */
export const freshLoss = (points: readonly CurvePoint[], rows: number, confidence: number): FreshLoss => {
  checkCurve(points, rows, confidence);
  const last = points.reduce((most, point) => (point.rows >= most.rows ? point : most));
  const fit = fitPowerLaw(points, last, Math.min(rows, farthest * last.rows));
  const reach = normalUpperQuantile(1 - confidence);
  if (fit === null) {
    const { loss, standardError } = last;
    const [lower, upper] = [Math.max(0, loss - reach * standardError), loss + reach * standardError];
    return { method: 'last observed', estimate: loss, lower, upper, standardError };
  }
  const estimate = Math.exp(fit.logLoss);
  return {
    method: 'power law',
    estimate,
    lower: estimate * Math.exp(-reach * fit.standardError),
    upper: estimate * Math.exp(reach * fit.standardError),
    standardError: estimate * fit.standardError,
  };
};

const checkCurve = (points: readonly CurvePoint[], rows: number, confidence: number): void => {
  const doing = 'read a learning curve';
  if (points.length === 0) throw new RangeError(`Cannot ${doing} as there must be a point: there is none`);
  if (!(confidence > 0.5 && confidence < 1)) {
    throw new RangeError(`Cannot ${doing} as the confidence must lie in (0.5, 1): it is ${confidence}`);
  }
  checkPositiveAmount(doing, 'the number of rows', rows);
  for (const point of points) {
    checkPositiveAmount(doing, 'the rows of a point', point.rows);
    for (const value of [point.loss, point.standardError]) {
      if (!(value >= 0 && Number.isFinite(value))) {
        throw new RangeError(`Cannot ${doing} as a loss and its standard error must be finite and at least 0: one is ${value}`);
      }
    }
  }
};

type Fit = { readonly logLoss: number; readonly standardError: number };

/** The fitted logarithm of the loss at `rows`; null where a power law says nothing, or that more rows make it worse. */
const fitPowerLaw = (points: readonly CurvePoint[], last: CurvePoint, rows: number): Fit | null => {
  if (points.length < fewestPoints) return null;
  if (points.some(({ loss, standardError }) => loss === 0 || standardError === 0)) return null;
  const weighted = points.map((point) => ({
    x: Math.log(point.rows),
    y: Math.log(point.loss),
    weight: (point.loss / point.standardError) ** 2,
  }));
  const total = sum(weighted, ({ weight }) => weight);
  const meanX = sum(weighted, ({ weight, x }) => weight * x) / total;
  const meanY = sum(weighted, ({ weight, y }) => weight * y) / total;
  const spread = sum(weighted, ({ weight, x }) => weight * (x - meanX) ** 2);
  if (spread === 0) return null;
  const slope = sum(weighted, ({ weight, x, y }) => weight * (x - meanX) * (y - meanY)) / spread;
  if (!(slope < 0)) return null;
  const misfit = sum(weighted, ({ weight, x, y }) => weight * (y - meanY - slope * (x - meanX)) ** 2);
  const scale = Math.max(1, misfit / (points.length - 2));
  const distance = Math.log(rows) - meanX;
  const ofFit = Math.sqrt(scale * (1 / total + distance ** 2 / spread));
  return { logLoss: meanY + slope * distance, standardError: Math.max(ofFit, last.standardError / last.loss) };
};

const sum = <Item>(items: readonly Item[], of: (item: Item) => number): number =>
  items.reduce((total, item) => total + of(item), 0);
