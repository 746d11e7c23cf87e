/** Small models for tests, each named for what is special about it. */
import { attribute, floatTensor, floatValue, int64Tensor, model, node } from '../../../infra/onnx/builders.ts';
import { encodeModel } from '../../../infra/onnx/proto.ts';
import { elementTypes, type OnnxModel, type OnnxValueInfo } from '../../../infra/onnx/types.ts';

/** Probability of the positive class: the logistic function of a weighted sum. */
export const logisticModel = (weights: readonly number[], bias = 0): OnnxModel =>
  model({
    name: 'logistic',
    input: [floatValue('features', ['n', weights.length])],
    output: [floatValue('probability', ['n', 1])],
    node: [
      node('MatMul', ['features', 'weights'], ['product']),
      node('Add', ['product', 'bias'], ['score']),
      node('Sigmoid', ['score'], ['probability']),
    ],
    initializer: [floatTensor('weights', [weights.length, 1], weights), floatTensor('bias', [1], [bias])],
  });

/** A weighted sum. */
export const linearModel = (weights: readonly number[], bias = 0): OnnxModel =>
  model({
    name: 'linear',
    input: [floatValue('features', ['n', weights.length])],
    output: [floatValue('value', ['n', 1])],
    node: [node('MatMul', ['features', 'weights'], ['product']), node('Add', ['product', 'bias'], ['value'])],
    initializer: [floatTensor('weights', [weights.length, 1], weights), floatTensor('bias', [1], [bias])],
  });

/** Probabilities of three classes, and the predicted class as an int64 label before them, as scikit-learn exports. */
export const labelAndProbabilities = (): OnnxModel =>
  model({
    name: 'label-and-probabilities',
    input: [floatValue('features', ['n', 2])],
    output: [int64Value('label', ['n']), floatValue('probabilities', ['n', 3])],
    node: [
      node('MatMul', ['features', 'weights'], ['scores']),
      node('Softmax', ['scores'], ['probabilities'], [attribute.int('axis', 1)]),
      node('ArgMax', ['probabilities'], ['label'], [attribute.int('axis', 1), attribute.int('keepdims', 0)]),
    ],
    initializer: [floatTensor('weights', [2, 3], [1, 0, -1, 0.5, -0.5, 0])],
  });

/** One `[n, 1]` input a feature, as exporters of data frames write. */
export const columnInputs = (): OnnxModel =>
  model({
    name: 'column-inputs',
    input: [floatValue('tenure', ['n', 1]), int64Value('visits', ['n', 1])],
    output: [floatValue('value', ['n', 1])],
    node: [
      node('Cast', ['visits'], ['visitsAsFloat'], [attribute.int('to', elementTypes.float32)]),
      node('Mul', ['visitsAsFloat', 'ten'], ['weighted']),
      node('Add', ['tenure', 'weighted'], ['value']),
    ],
    initializer: [floatTensor('ten', [1], [10])],
  });

export const int64Value = (name: string, shape: readonly (number | string)[]): OnnxValueInfo => {
  const value = floatValue(name, shape);
  return { ...value, type: { tensorType: { ...value.type?.tensorType, elemType: elementTypes.int64 } } };
};

/** Asks for sixteen gigabytes when it runs. */
export const memoryHog = (): OnnxModel =>
  model({
    name: 'memory-hog',
    input: [floatValue('features', ['n', 1])],
    output: [floatValue('value', ['n', 1])],
    node: [
      node('Expand', ['features', 'huge'], ['wide']),
      node('ReduceSum', ['wide', 'axis'], ['value'], [attribute.int('keepdims', 1)]),
    ],
    initializer: [int64Tensor('huge', [2], [1, 2_000_000_000]), int64Tensor('axis', [1], [1])],
  });

/** Works for far longer than ten seconds before it answers. */
export const slowModel = (): OnnxModel => {
  const size = 2048;
  const rounds = 400;
  return model({
    name: 'slow',
    input: [floatValue('features', ['n', 1])],
    output: [floatValue('value', ['n', 1])],
    node: [
      node('Expand', ['features', 'row'], ['x0']),
      ...Array.from({ length: rounds }, (_, i) => node('MatMul', [`x${i}`, 'square'], [`x${i + 1}`])),
      node('Slice', [`x${rounds}`, 'from', 'to'], ['corner']),
      node('ReduceMax', ['corner'], ['value'], [attribute.ints('axes', [1]), attribute.int('keepdims', 1)]),
    ],
    initializer: [
      int64Tensor('row', [2], [size, size]),
      floatTensor('square', [size, size], new Float32Array(size * size)),
      int64Tensor('from', [1], [0]),
      int64Tensor('to', [1], [1]),
    ],
  });
};

/** Not the same twice: adds noise. */
export const randomModel = (): OnnxModel =>
  model({
    name: 'random',
    input: [floatValue('features', ['n', 1])],
    output: [floatValue('value', ['n', 1])],
    node: [node('RandomUniformLike', ['features'], ['noise']), node('Add', ['features', 'noise'], ['value'])],
    initializer: [],
  });

export const bytesOf = (one: OnnxModel): Uint8Array => encodeModel(one);
