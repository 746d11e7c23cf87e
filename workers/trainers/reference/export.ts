/** The fitted model as a graph: missing to mean, standardise, one matrix product, probabilities or value. */
import { floatTensor, floatValue, model, node } from '../../../infra/onnx/builders.ts';
import { encodeModel } from '../../../infra/onnx/proto.ts';
import type { Scaled } from './matrix.ts';
import type { Task } from './objective.ts';

export type Fitted = {
  readonly task: Task;
  readonly data: Scaled;
  /** `[columns, width]` and `[width]` in float32, as the graph holds them. */
  readonly weights: Float32Array;
  readonly intercepts: Float32Array;
  readonly width: number;
};

/** Weights per answer: two classes are a softmax over (0, score), a value is put back on the label's scale. */
export const fitted = (
  task: Task,
  data: Scaled,
  flat: Float64Array,
  outputs: number,
  label: { mean: number; scale: number },
): Fitted => {
  const width = task === 'binary' ? 2 : outputs;
  const weights = new Float32Array(data.columns * width);
  const intercepts = new Float32Array(width);
  for (let output = 0; output < outputs; output++) {
    const to = task === 'binary' ? 1 : output;
    const from = output * (data.columns + 1);
    for (let column = 0; column < data.columns; column++) {
      weights[column * width + to] = (flat[from + column] as number) * label.scale;
    }
    intercepts[to] = (flat[from + data.columns] as number) * label.scale + label.mean;
  }
  return { task, data, weights, intercepts, width };
};

const softmax = (scores: number[]): number[] => {
  const largest = Math.max(...scores);
  const parts = scores.map((score) => Math.exp(score - largest));
  const sum = parts.reduce((a, b) => a + b, 0);
  return parts.map((part) => part / sum);
};

/** This trainer's own answer for a row of the standardised matrix. */
export const answerRow = ({ task, data, weights, intercepts, width }: Fitted, row: number): number[] => {
  const scores = Array.from(intercepts);
  for (let column = 0; column < data.columns; column++) {
    const value = data.values[row * data.columns + column] as number;
    for (let to = 0; to < width; to++) (scores[to] as number) += value * (weights[column * width + to] as number);
  }
  return task === 'regression' ? scores : softmax(scores);
};

export const toOnnx = ({ task, data, weights, intercepts, width }: Fitted, trainingKey: string): Uint8Array => {
  const answer = task === 'regression' ? 'value' : 'probabilities';
  return encodeModel(
    model({
      name: 'reference',
      input: [floatValue('features', ['n', data.columns])],
      output: [floatValue(answer, ['n', width])],
      node: [
        node('IsNaN', ['features'], ['missing']),
        node('Where', ['missing', 'means', 'features'], ['filled']),
        node('Sub', ['filled', 'means'], ['centred']),
        node('Div', ['centred', 'scales'], ['scaled']),
        node('MatMul', ['scaled', 'weights'], ['products']),
        node('Add', ['products', 'intercepts'], [task === 'regression' ? answer : 'scores']),
        ...(task === 'regression' ? [] : [node('Softmax', ['scores'], [answer])]),
      ],
      initializer: [
        floatTensor('means', [data.columns], data.means),
        floatTensor('scales', [data.columns], data.scales),
        floatTensor('weights', [data.columns, width], weights),
        floatTensor('intercepts', [width], intercepts),
      ],
      metadata: { trainer: 'reference', trainingKey },
    }),
  );
};
