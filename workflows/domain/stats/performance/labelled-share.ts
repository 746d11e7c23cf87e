import type { Evidence } from '../../contracts/evidence.ts';
import { newcombeInterval } from '../two-sample/proportions.ts';

/** Predictions of a matured window, and how many of them have a label. */
export type Labelled = { readonly labelled: number; readonly predictions: number };

export const labelledShareEvidenceId = 'performance/labelled share';

/**
 * The share of a matured window's predictions that have a label, less that of earlier matured windows, with one-sided
 * bounds: evidence that the feed of labels has failed, or has not. Where no label means negative there is no such share.
 *
 * Insufficient where a side has no predictions. Throws RangeError for counts that are not whole, or more labels than
 * predictions, and for a confidence outside (1/2, 1).
 *
 * Source: Newcombe, Statistics in Medicine 17 (1998), method 10.
 */
export const compareLabelledShare = (earlier: Labelled, window: Labelled, confidence: number): Evidence => {
  if (!(confidence > 0.5 && confidence < 1))
    throw new RangeError(`Cannot bound a share as the confidence must be in (1/2, 1): it is ${confidence}`);
  const shareOf = ({ labelled, predictions }: Labelled) => ({ count: labelled, rows: predictions });
  const limits = newcombeInterval(shareOf(earlier), shareOf(window), 2 * confidence - 1);
  const common = { id: labelledShareEvidenceId, what: 'labelled share, window minus earlier windows', rows: window.predictions };
  if (limits === null)
    return {
      ...common,
      kind: 'insufficient',
      reason: `predictions ${Math.min(earlier.predictions, window.predictions)} > 0 does not hold`,
    };
  const standardError = Math.hypot(errorOf(earlier), errorOf(window));
  return { ...common, kind: 'interval', ...limits, confidence, sides: 'one', standardError, method: 'Newcombe' };
};

const errorOf = ({ labelled, predictions }: Labelled): number =>
  Math.sqrt(((labelled / predictions) * (1 - labelled / predictions)) / predictions);
