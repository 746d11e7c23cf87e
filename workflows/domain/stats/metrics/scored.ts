import type { Numbers } from '../ranks.ts';

/**
 * Rows with their labels and a model's answers. Labels are class indices or values, length n. Answers are
 * `[n]` probabilities of class 1 for two classes, `[n, classes]` row-major for more, `[n]` values for regression.
 */
export type Scored = {
  readonly task: 'binary' | 'multiclass' | 'regression';
  /** 2 for binary, 0 for regression. */
  readonly classes: number;
  readonly labels: Numbers;
  readonly answers: Numbers;
};

/** How often each row counts. One type of array only, because the engine then reads it several times faster. */
export type RowWeights = Uint32Array;

/**
 * A metric over weighted rows; null where the metric does not exist. Whatever needs sorting is done once, before:
 * that is what makes a thousand resamples affordable.
 */
export type WeightedMetric = (weights: RowWeights) => number | null;

/** Every row once. */
export const everyRowOnce = (rows: number): RowWeights => new Uint32Array(rows).fill(1);

/** Probability from which class 1 is the prediction, where there are two. */
export const decisionThreshold = 0.5;

/**
 * Predicted class of each row: class 1 from probability 0.5 on, or the most probable one, the first of equals.
 *
 * Source: definition.
 * @example predictedClasses({ task: 'binary', classes: 2, labels: [1, 1], answers: [0.5, 0.49] }) // Int32Array [1, 0]
 */
export const predictedClasses = (scored: Scored): Int32Array => {
  const { answers, classes, labels } = scored;
  if (scored.task === 'binary') {
    return Int32Array.from(labels, (_, row) => ((answers[row] as number) >= decisionThreshold ? 1 : 0));
  }
  return Int32Array.from(labels, (_, row) => {
    let best = 0;
    for (let k = 1; k < classes; k++) {
      if ((answers[row * classes + k] as number) > (answers[row * classes + best] as number)) best = k;
    }
    return best;
  });
};

/** Labels as 1 for one class and 0 for the others, and that class's probabilities. */
export const oneAgainstRest = (scored: Scored, target: number): { labels: Uint8Array; scores: Float64Array } => {
  const width = scored.task === 'binary' ? 1 : scored.classes;
  const column = scored.task === 'binary' ? 0 : target;
  const rows = scored.labels.length;
  return {
    labels: Uint8Array.from({ length: rows }, (_, row) => (scored.labels[row] === target ? 1 : 0)),
    scores: Float64Array.from({ length: rows }, (_, row) => scored.answers[row * width + column] as number),
  };
};

/** Some of the rows, in the order given. */
export const takeRows = (scored: Scored, rows: Uint32Array): Scored => {
  const width = scored.task === 'multiclass' ? scored.classes : 1;
  const answers = new Float64Array(rows.length * width);
  rows.forEach((row, index) => {
    for (let k = 0; k < width; k++) answers[index * width + k] = scored.answers[row * width + k] as number;
  });
  return { ...scored, labels: Float64Array.from(rows, (row) => scored.labels[row] as number), answers };
};
