/** Calibration where rows come in clusters: the flights of one day are late together, and no probability is at fault. */
import { clusteredMean } from '../comparison/clustered-mean.ts';
import { type Clusters, effectiveClusters } from '../comparison/clusters.ts';
import { createRandom } from '../random.ts';
import type { Numbers } from '../ranks.ts';
import { studentUpperTail } from '../special/student-t.ts';
import { cellsByMass, checkCells, checkProbabilities } from './calibration-cells.ts';
import type { CalibrationNull } from './calibration-null.ts';

/** Signs that a list of clusters may take, up to turning all of them: the error of both is the same. */
const waysOf = (clusters: number): number => 2 ** (clusters - 1);

/** Each way but that of the clusters themselves, where there are few; else so many, drawn. */
function* signsOf(clusters: number, plan: { readonly draws: number; readonly seed: number }): Generator<Float64Array> {
  const ways = waysOf(clusters);
  const signs = new Float64Array(clusters).fill(1);
  if (ways <= plan.draws + 1) {
    for (let way = 1; way < ways; way++) {
      for (let id = 1; id < clusters; id++) signs[id] = Math.floor(way / 2 ** (id - 1)) % 2 === 0 ? 1 : -1;
      yield signs;
    }
    return;
  }
  const random = createRandom(plan.seed);
  for (let draw = 0; draw < plan.draws; draw++) {
    for (let id = 0; id < clusters; id++) signs[id] = random() < 0.5 ? 1 : -1;
    yield signs;
  }
}

/** Sums of probability minus label: the cells of the first cluster, then those of the second, and so on. */
const gapsOf = (labels: Numbers, probabilities: Numbers, { ids, count }: Clusters, cells: number): Float64Array => {
  const cellOfRow = cellsByMass(probabilities, cells);
  const gaps = new Float64Array(count * cells);
  for (let row = 0; row < cellOfRow.length; row++) {
    const place = (ids[row] as number) * cells + (cellOfRow[row] as number);
    gaps[place] = (gaps[place] as number) + (probabilities[row] as number) - (labels[row] as number);
  }
  return gaps;
};

/** Of each cell over all clusters, each with its sign. */
const sumsOf = (gaps: Float64Array, signs: Float64Array, cells: number): Float64Array => {
  const sums = new Float64Array(cells);
  for (let id = 0, place = 0; id < signs.length; id++) {
    const sign = signs[id] as number;
    for (let cell = 0; cell < cells; cell++, place++) sums[cell] = (sums[cell] as number) + sign * (gaps[place] as number);
  }
  return sums;
};

const errorOf = (gaps: Float64Array, signs: Float64Array, cells: number, rows: number): number =>
  sumsOf(gaps, signs, cells).reduce((sum, gap) => sum + Math.abs(gap), 0) / rows;

/** What clusters differ by among themselves, spread so that it is as large as before the mean was taken out. */
const centred = (gaps: Float64Array, count: number, cells: number): Float64Array => {
  const means = sumsOf(gaps, new Float64Array(count).fill(1), cells).map((sum) => sum / count);
  const factor = Math.sqrt(count / (count - 1));
  return gaps.map((gap, place) => factor * (gap - (means[place % cells] as number)));
};

/**
 * Is a calibration error more than what clusters differ by? If the probabilities are true but for what a cluster has of its
 * own, a cluster is as likely to lie so much above them as below: so the signs of whole clusters are turned, in each way or
 * in as many as are drawn, and the error of each is what chance would have shown. `expected` is that of clusters without
 * their mean, so that probabilities that are wrong everywhere do not count as chance.
 *
 * Labels 1 or 0, probabilities in [0, 1], both length n; RangeError otherwise, and with fewer than two clusters. The least
 * p-value is 2 to the power 1 - clusters: eight clusters can be certain at 0.8 %, five at 6.3 %. Cost: draws * clusters * cells.
 *
 * Source: tests by changes of sign: Canay, Romano and Shaikh, "Randomization tests under an approximate symmetry
 * assumption", Econometrica 85 (2017).
 */
export const calibrationNullOfClusters = (
  labels: Numbers,
  probabilities: Numbers,
  clusters: Clusters,
  plan: { readonly cells: number; readonly draws: number; readonly seed: number },
): CalibrationNull => {
  checkProbabilities(labels, probabilities);
  checkCells(plan.cells);
  checkClusters(clusters);
  const { cells } = plan;
  const gaps = gapsOf(labels, probabilities, clusters, cells);
  const spread = centred(gaps, clusters.count, cells);
  const error = errorOf(gaps, new Float64Array(clusters.count).fill(1), cells, labels.length);
  let [sum, asLarge, turned] = [0, 0, 0];
  for (const signs of signsOf(clusters.count, plan)) {
    // Equal errors may differ by the order in which they were added.
    if (errorOf(gaps, signs, cells, labels.length) >= error - 1e-12) asLarge++;
    sum += errorOf(spread, signs, cells, labels.length);
    turned++;
  }
  return { error, expected: sum / turned, pValue: (1 + asLarge) / (1 + turned) };
};

/** A mean that is zero where the probabilities are true; `t` is Student's, by what the clusters are worth. */
export type MeanOfClusters = { readonly t: number; readonly pValue: number };

/**
 * Do as many positives occur as the probabilities promise? Two-sided: the mean of label - p is zero where they are true, and
 * its error is that of sums within clusters, never less than that of independent rows. Null where every probability is 0 or 1.
 * Throws as `calibrationNullOfClusters`.
 *
 * Source: calibration in the large: Cox, "Two further applications of a model for binary regression", Biometrika 45 (1958);
 * Liang and Zeger, Biometrika 73 (1986).
 */
export const calibrationInTheLarge = (labels: Numbers, probabilities: Numbers, clusters: Clusters): MeanOfClusters | null =>
  weighed(labels, probabilities, clusters, () => 1);

/**
 * Spiegelhalter's question over clusters, two-sided: the same of (label - p) (1 - 2p). Null where every probability is 0, 1/2
 * or 1.
 *
 * Source: Spiegelhalter, Statistics in Medicine 5 (1986), section 4; Liang and Zeger, Biometrika 73 (1986).
 */
export const spiegelhalterOfClusters = (labels: Numbers, probabilities: Numbers, clusters: Clusters): MeanOfClusters | null =>
  weighed(labels, probabilities, clusters, (p) => 1 - 2 * p);

const weighed = (
  labels: Numbers,
  probabilities: Numbers,
  clusters: Clusters,
  weight: (probability: number) => number,
): MeanOfClusters | null => {
  checkProbabilities(labels, probabilities);
  checkClusters(clusters);
  const terms = Float64Array.from(probabilities, (p, row) => ((labels[row] as number) - p) * weight(p));
  const ofRows = Float64Array.from(probabilities, (p) => weight(p) ** 2 * p * (1 - p)).reduce((sum, one) => sum + one, 0);
  if (ofRows === 0) return null;
  const { estimate, standardError } = clusteredMean(terms, clusters);
  const t = estimate / Math.max(standardError, Math.sqrt(ofRows) / labels.length);
  return { t, pValue: Math.min(1, 2 * studentUpperTail(Math.abs(t), effectiveClusters(clusters) - 1)) };
};

const checkClusters = ({ by, count }: Clusters): void => {
  if (count < 2)
    throw new RangeError(`Cannot judge calibration as there must be at least 2 clusters by ${by}: there are ${count}`);
};
