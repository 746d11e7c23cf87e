import type { Calibrator } from '../../contracts/reference-profile.ts';
import { ascendingOrder, endOfTie, type Numbers } from '../ranks.ts';

/** Consecutive rows, by score, that get one probability: the share of positives among them. */
type Block = { readonly lowest: number; readonly rows: number; readonly positives: number };

/**
 * Isotonic regression of labels on scores: the growing step function from score to probability with the least squared
 * error, by pooling neighbours that are out of order. Fit it on rows that the model was not trained on.
 *
 * Labels are 1 or 0, scores finite, any scale, both length n; `weights`, where given, are >= 0 and finite, and a row of
 * weight 0 is not there. Rows with the same score are one. The first element of `scores` is the lowest score seen.
 * Null without a row of each class, for a probability of 0 or 1 throughout is no calibration. Throws RangeError for any
 * other label, score or weight. O(n log n). Inputs are kept unchanged.
 *
 * Source: Ayer et al., "An empirical distribution function for sampling with incomplete information", Annals of
 * Mathematical Statistics 26 (1955); for classifiers: Zadrozny and Elkan, KDD 2002.
 * Agrees with: test/golden/performance.json "isotonic", `sklearn.isotonic.isotonic_regression`, 1e-11.
 * @example fitCalibrator([0, 1, 0, 1], [1, 2, 3, 4]).probabilities[1] // 0.5
 */
export const fitCalibrator = (labels: Numbers, scores: Numbers, weights?: Numbers): Calibrator | null => {
  checkRows(labels, scores, weights);
  const blocks: Block[] = [];
  for (const tied of blocksOfTies(labels, scores, weights)) {
    let block = tied;
    for (let before = blocks.at(-1); before !== undefined && shareOf(before) >= shareOf(block); before = blocks.at(-1)) {
      block = { lowest: before.lowest, rows: before.rows + block.rows, positives: before.positives + block.positives };
      blocks.pop();
    }
    blocks.push(block);
  }
  const [first, last] = [blocks[0], blocks.at(-1)];
  if (first === undefined || last === undefined || shareOf(first) === 1 || shareOf(last) === 0) return null;
  return { scores: blocks.map((block) => block.lowest), probabilities: blocks.map(shareOf) };
};

const shareOf = ({ positives, rows }: Block): number => positives / rows;

const blocksOfTies = (labels: Numbers, scores: Numbers, weights: Numbers | undefined): Block[] => {
  const order = orderOf(scores);
  const blocks: Block[] = [];
  for (let start = 0; start < order.length; ) {
    const end = endOfTie(scores, order, start);
    let [rows, positives] = [0, 0];
    for (const row of order.subarray(start, end)) {
      const weight = weights === undefined ? 1 : (weights[row] as number);
      rows += weight;
      positives += weight * (labels[row] as number);
    }
    if (rows > 0) blocks.push({ lowest: scores[order[start] as number] as number, rows, positives });
    start = end;
  }
  return blocks;
};

/** Cross-fitting sorts once and fits ten times: what is in order already is not sorted again. */
const orderOf = (scores: Numbers): Uint32Array => {
  for (let row = 1; row < scores.length; row++) {
    if ((scores[row] as number) < (scores[row - 1] as number)) return ascendingOrder(scores);
  }
  return Uint32Array.from({ length: scores.length }, (_, row) => row);
};

const checkRows = (labels: Numbers, scores: Numbers, weights: Numbers | undefined): void => {
  checkLength('scores', scores, labels.length);
  if (weights !== undefined) checkLength('weights', weights, labels.length);
  for (let row = 0; row < labels.length; row++) {
    if (labels[row] !== 0 && labels[row] !== 1) throw refusal(row, 'label', '0 or 1', labels[row]);
    if (!Number.isFinite(scores[row])) throw refusal(row, 'score', 'finite', scores[row]);
    if (weights === undefined) continue;
    const weight = weights[row] as number;
    if (!(weight >= 0) || weight === Number.POSITIVE_INFINITY) throw refusal(row, 'weight', 'finite and >= 0', weight);
  }
};

const checkLength = (what: string, values: Numbers, rows: number): void => {
  if (values.length !== rows)
    throw new RangeError(`Cannot fit a calibrator as ${what} must be as many as labels, ${rows}: they are ${values.length}`);
};

const refusal = (row: number, what: string, wanted: string, found: unknown): RangeError =>
  new RangeError(`Cannot fit a calibrator as the ${what} of row ${row} must be ${wanted}: it is ${String(found)}`);

/**
 * The probability that a calibrator gives to a score: that of the last step that begins at or below it. A score below all
 * steps has the first probability. O(log steps). Throws RangeError for NaN and for a calibrator without steps.
 *
 * Source: definition.
 * @example calibrate({ scores: [0.1, 0.6], probabilities: [0.2, 0.9] }, 0.5) // 0.2
 */
export const calibrate = (calibrator: Calibrator, score: number): number => {
  const { scores, probabilities } = calibrator;
  if (Number.isNaN(score)) throw new RangeError('Cannot calibrate a score as it must be a number: it is NaN');
  if (probabilities.length === 0) throw new RangeError('Cannot calibrate a score as there must be steps: there are 0');
  let low = 0;
  let high = scores.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((scores[middle] as number) <= score) low = middle + 1;
    else high = middle;
  }
  return probabilities[Math.max(0, low - 1)] as number;
};

/** Of many scores. */
export const calibrateAll = (calibrator: Calibrator, scores: Numbers): Float64Array =>
  Float64Array.from(scores, (score) => calibrate(calibrator, score));
