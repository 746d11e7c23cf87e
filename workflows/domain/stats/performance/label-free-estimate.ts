import { ascendingOrder, endOfTie, type Numbers } from '../ranks.ts';

/** So many rows, and the sum of their calibrated probabilities of class 1: the positives to be expected among them. */
export type ExpectedTally = { readonly rows: number; readonly expectedPositives: number };

/** Rows of one score, or of neighbouring scores, by the class that the model called them. Sums: cells of servers add up. */
export type ScoreCell = { readonly calledPositive: ExpectedTally; readonly calledNegative: ExpectedTally };

/** A confusion matrix in expectation: sums of probabilities, so no whole numbers. */
export type ExpectedConfusion = {
  readonly truePositives: number;
  readonly falsePositives: number;
  readonly falseNegatives: number;
  readonly trueNegatives: number;
};

export const estimatedMetrics = ['accuracy', 'precision', 'recall', 'f1', 'specificity', 'roc_auc'] as const;
export type EstimatedMetric = (typeof estimatedMetrics)[number];

export type EstimatedPerformance = ExpectedConfusion & {
  readonly rows: number;
  /** Metrics without a meaning here are left out: precision where nothing was called positive, and so on. */
  readonly metrics: Readonly<Partial<Record<EstimatedMetric, number>>>;
};

/**
 * What a classifier of two classes would score if its calibrated probabilities are true, without a single label
 * (confidence-based performance estimation). `cells` are in ascending order of score; a cell may be as narrow as one score.
 *
 * It holds under a change of the inputs alone, within the region that the calibrator has seen. It cannot see concept
 * drift: where the same inputs have got other labels, nothing here moves. And a model that calls positive from
 * probability 1/2 on can never be estimated below an accuracy of 1/2, so that a broken one looks merely mediocre.
 * Rows of one cell are taken as tied, so that wide cells cost some of the area under the curve.
 *
 * Null without rows. Throws RangeError for negative or infinite counts, and expected positives outside [0, rows].
 *
 * Source: the expectation of each count under the probabilities: Kivimäki, Białek, Kuberski and Nurminen, "Performance
 * estimation in binary classification using calibrated confidence", arXiv 2505.05295; the area by Hanley and McNeil,
 * Radiology 143 (1982), each pair weighted by p (1 - q).
 * Agrees with: test/golden/vectors.json "cbpe", 1e-9; test/golden/performance.json "estimated", `sklearn.metrics` with
 * every row once as positive, weight p, and once as negative, weight 1 - p, 1e-10.
 */
export const estimatePerformance = (cells: readonly ScoreCell[]): EstimatedPerformance | null => {
  for (const cell of cells) checkCell(cell);
  const called = addTallies(cells.map((cell) => cell.calledPositive));
  const passed = addTallies(cells.map((cell) => cell.calledNegative));
  const rows = called.rows + passed.rows;
  if (rows === 0) return null;
  const confusion: ExpectedConfusion = {
    truePositives: called.expectedPositives,
    falsePositives: called.rows - called.expectedPositives,
    falseNegatives: passed.expectedPositives,
    trueNegatives: passed.rows - passed.expectedPositives,
  };
  return { rows, ...confusion, metrics: metricsOf(confusion, expectedArea(cells)) };
};

/**
 * Cells of single rows: one for each distinct score. `scores` order the rows and, from `threshold` on, call them positive;
 * `probabilities` are the calibrated ones. Both have length n.
 *
 * Throws RangeError for a score that is not finite and a probability outside [0, 1]. O(n log n).
 *
 * Source: definition.
 * @example estimatePerformance(cellsOfRows([0.2, 0.8], [0.2, 0.8], 0.5)).metrics.accuracy // 0.8
 */
export const cellsOfRows = (scores: Numbers, probabilities: Numbers, threshold: number): ScoreCell[] => {
  checkRows(scores, probabilities);
  const order = ascendingOrder(scores);
  const cells: ScoreCell[] = [];
  for (let start = 0; start < order.length; ) {
    const end = endOfTie(scores, order, start);
    let expectedPositives = 0;
    for (const row of order.subarray(start, end)) expectedPositives += probabilities[row] as number;
    const tally = { rows: end - start, expectedPositives };
    const isCalled = (scores[order[start] as number] as number) >= threshold;
    cells.push(isCalled ? { calledPositive: tally, calledNegative: none } : { calledPositive: none, calledNegative: tally });
    start = end;
  }
  return cells;
};

const none: ExpectedTally = { rows: 0, expectedPositives: 0 };

const addTallies = (tallies: readonly ExpectedTally[]): ExpectedTally =>
  tallies.reduce(
    (sum, one) => ({ rows: sum.rows + one.rows, expectedPositives: sum.expectedPositives + one.expectedPositives }),
    none,
  );

const metricsOf = (confusion: ExpectedConfusion, area: number | null): EstimatedPerformance['metrics'] => {
  const { truePositives, falsePositives, falseNegatives, trueNegatives } = confusion;
  const right = truePositives + trueNegatives;
  const wrong = falsePositives + falseNegatives;
  const found: readonly (readonly [EstimatedMetric, number | null])[] = [
    ['accuracy', shareOf(right, wrong)],
    ['precision', shareOf(truePositives, falsePositives)],
    ['recall', shareOf(truePositives, falseNegatives)],
    ['f1', shareOf(2 * truePositives, wrong)],
    ['specificity', shareOf(trueNegatives, falsePositives)],
    ['roc_auc', area],
  ];
  return Object.fromEntries(found.filter(([, value]) => value !== null));
};

const shareOf = (part: number, rest: number): number | null => (part + rest === 0 ? null : part / (part + rest));

/** Pairs of an expected positive and an expected negative that are in order, over all such pairs; ties count half. */
const expectedArea = (cells: readonly ScoreCell[]): number | null => {
  let [positives, negatives, won] = [0, 0, 0];
  for (const { calledPositive, calledNegative } of cells) {
    const { rows, expectedPositives } = addTallies([calledPositive, calledNegative]);
    const expectedNegatives = rows - expectedPositives;
    won += expectedPositives * (negatives + expectedNegatives / 2);
    positives += expectedPositives;
    negatives += expectedNegatives;
  }
  const pairs = positives * negatives;
  return pairs === 0 ? null : Math.min(1, won / pairs);
};

const checkCell = (cell: ScoreCell): void => {
  for (const { rows, expectedPositives } of [cell.calledPositive, cell.calledNegative]) {
    if (rows >= 0 && Number.isFinite(rows) && expectedPositives >= 0 && expectedPositives <= rows) continue;
    throw new RangeError(
      `Cannot estimate performance as 0 <= expected positives <= rows must hold: ${expectedPositives} of ${rows}`,
    );
  }
};

const checkRows = (scores: Numbers, probabilities: Numbers): void => {
  if (scores.length !== probabilities.length) {
    throw new RangeError(
      `Cannot estimate performance as probabilities must be as many as scores, ${scores.length}: they are ${probabilities.length}`,
    );
  }
  for (let row = 0; row < scores.length; row++) {
    if (!Number.isFinite(scores[row]))
      throw new RangeError(`Cannot estimate performance as the score of row ${row} must be finite: it is ${scores[row]}`);
    const probability = probabilities[row] as number;
    if (!(probability >= 0 && probability <= 1))
      throw new RangeError(
        `Cannot estimate performance as the probability of row ${row} must be in [0, 1]: it is ${probability}`,
      );
  }
};
