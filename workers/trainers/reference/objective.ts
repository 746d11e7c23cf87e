/** Mean loss with a ridge penalty, and its gradient: squared error, logistic or multinomial logistic. */
import type { Scaled } from './matrix.ts';

export type Task = 'binary' | 'multiclass' | 'regression';

/** Returns the objective at `weights` and writes its gradient; both have `outputs * (columns + 1)` numbers. */
export type Objective = (weights: Float64Array, gradient: Float64Array) => number;

/** Numbers that a row is turned into before they become probabilities: one for two classes and for values. */
export const outputsOf = (task: Task, classes: number): number => (task === 'multiclass' ? classes : 1);

/** log(1 + exp(x)) without overflow. */
const softplus = (x: number): number => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));

/**
 * Turns scores in place into the derivative of the row's loss by each score, and returns that loss.
 * Source: Hastie, Tibshirani, Friedman, The Elements of Statistical Learning (2009), 4.4 and 3.2.
 */
const rowLossInPlace = (task: Task, scores: Float64Array, label: number): number => {
  const score = scores[0] as number;
  if (task === 'regression') {
    scores[0] = score - label;
    return ((score - label) * (score - label)) / 2;
  }
  if (task === 'binary') {
    scores[0] = 1 / (1 + Math.exp(-score)) - label;
    return softplus(score) - label * score;
  }
  let largest = Number.NEGATIVE_INFINITY;
  for (const one of scores) largest = Math.max(largest, one);
  let sum = 0;
  for (let index = 0; index < scores.length; index++) sum += Math.exp((scores[index] as number) - largest);
  const logSum = largest + Math.log(sum);
  const loss = logSum - (scores[label] as number);
  for (let index = 0; index < scores.length; index++) scores[index] = Math.exp((scores[index] as number) - logSum);
  (scores[label] as number) -= 1;
  return loss;
};

/** Weights lie per output: its columns, then its intercept. The intercept is not penalised. */
export const createObjective = (task: Task, outputs: number, data: Scaled, labels: Float32Array, l2: number): Objective => {
  const { values, rows, columns } = data;
  const width = columns + 1;
  const scores = new Float64Array(outputs);
  const addPenalty = (weights: Float64Array, gradient: Float64Array): number => {
    let penalty = 0;
    for (let index = 0; index < weights.length; index++) {
      (gradient[index] as number) /= rows;
      if (index % width === columns) continue;
      const weight = weights[index] as number;
      penalty += (l2 / 2) * weight * weight;
      (gradient[index] as number) += l2 * weight;
    }
    return penalty;
  };
  return (weights, gradient) => {
    gradient.fill(0);
    let loss = 0;
    for (let row = 0, start = 0; row < rows; row++, start += columns) {
      for (let output = 0, at = 0; output < outputs; output++, at++) {
        let score = 0;
        for (let column = 0; column < columns; column++) score += (weights[at++] as number) * (values[start + column] as number);
        scores[output] = score + (weights[at] as number);
      }
      loss += rowLossInPlace(task, scores, labels[row] as number);
      for (let output = 0, at = 0; output < outputs; output++, at++) {
        const slope = scores[output] as number;
        for (let column = 0; column < columns; column++) (gradient[at++] as number) += slope * (values[start + column] as number);
        (gradient[at] as number) += slope;
      }
    }
    return loss / rows + addPenalty(weights, gradient);
  };
};
