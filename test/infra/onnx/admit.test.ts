import { describe, expect, test } from 'vitest';
import { checkFile } from '../../../infra/onnx/admission/check-file.ts';
import { admitModel } from '../../../infra/onnx/admit.ts';
import { attribute, floatTensor, floatValue, int64Tensor, model, node } from '../../../infra/onnx/builders.ts';
import { elementTypes, type OnnxModel, type OnnxNode, type OnnxTensor } from '../../../infra/onnx/types.ts';
import { bytesOf, labelAndProbabilities, linearModel, logisticModel, memoryHog, randomModel, slowModel } from './tiny-models.ts';

const withInitializer = (initializer: OnnxTensor): OnnxModel => ({
  ...linearModel([1]),
  graph: { ...linearModel([1]).graph, initializer: [...linearModel([1]).graph.initializer, initializer] },
});
const withNode = (one: OnnxNode): OnnxModel => ({
  ...linearModel([1]),
  graph: { ...linearModel([1]).graph, node: [...linearModel([1]).graph.node, one] },
});

/** Graphs in graphs, to the depth given. */
const nested = (depth: number): OnnxModel['graph'] => {
  const { graph } = linearModel([1]);
  if (depth === 0) return graph;
  const inner = { ...attribute.int('body', 0), type: 5, g: nested(depth - 1) };
  return { ...graph, node: [node('Identity', ['features'], ['x'], [inner])] };
};

describe('admitModel()', () => {
  test('says what a model takes, gives and answers', async () => {
    const admission = await admitModel(bytesOf(logisticModel([2, -1])), {
      vectors: [
        [1, 2],
        [0.5, 0],
      ],
      width: 2,
    });
    expect(admission).toMatchObject({
      irVersion: 8,
      opsets: { 'ai.onnx': 17 },
      nodes: 3,
      inputWidth: 2,
      outputWidth: 1,
      warnings: [],
    });
    expect(admission.answers[0]).toBe(0.5);
    expect(admission.answers[1]).toBeCloseTo(1 / (1 + Math.exp(-1)), 6);
  });

  test('asks two rows of zeros where it is given none', async () => {
    expect((await admitModel(bytesOf(logisticModel([2, -1])))).answers).toEqual([0.5, 0.5]);
  });

  test('says which of several outputs answers', async () => {
    expect((await admitModel(bytesOf(labelAndProbabilities()))).warnings).toEqual([
      'answers with "probabilities", one of 2 outputs',
    ]);
  });

  const refusal = (one: OnnxModel, options: Parameters<typeof admitModel>[1] = {}) =>
    expect(admitModel(bytesOf(one), options)).rejects;

  test('refuses another width than the features have', () =>
    refusal(logisticModel([2, -1]), { width: 3 }).toThrow('must take 3 features: it takes 2'));

  test('refuses answers that are not finite, naming row and output', () =>
    refusal(linearModel([1]), { vectors: [[1], [null]], width: 1 }).toThrow('row 1, output 0 is NaN'));

  test('refuses a model that does not answer the same twice', () => refusal(randomModel()).toThrow('must answer the same twice'));

  test('refuses a model that takes too long, and ends it', async () => {
    const startedAt = performance.now();
    await refusal(slowModel(), { timeoutMs: 1500 }).toThrow('must answer in time');
    expect(performance.now() - startedAt).toBeLessThan(10_000);
  });

  test('refuses a model that asks for more memory than it may have, and lives', async () => {
    await refusal(memoryHog()).toMatchObject({ code: 'PRN_MODEL_REFUSED' });
  });

  test('refuses bytes that are no model, a pickle and a zip', async () => {
    await expect(admitModel(Buffer.from('hello'))).rejects.toMatchObject({ code: 'PRN_MODEL_REFUSED' });
    await expect(admitModel(Buffer.alloc(0))).rejects.toMatchObject({ code: 'PRN_MODEL_REFUSED' });
    await expect(admitModel(Buffer.from([0x80, 4, 0x95, 0]))).rejects.toThrow('Python pickle');
    await expect(admitModel(Buffer.from('PK\u0003\u0004model'))).rejects.toThrow('zip archive');
  });

  test('refuses a file that was cut off', async () => {
    const bytes = bytesOf(logisticModel(new Array<number>(200).fill(1)));
    await expect(admitModel(bytes.subarray(0, bytes.length - 100))).rejects.toMatchObject({ code: 'PRN_MODEL_REFUSED' });
  });

  test('stops when it is told to', async () => {
    await expect(admitModel(bytesOf(slowModel()), { signal: AbortSignal.timeout(500) })).rejects.toThrow();
  });
});

describe('checkFile() refuses', () => {
  const refusal = (one: OnnxModel) => expect(() => checkFile(bytesOf(one)));

  test('data outside the file', () => {
    const outside = {
      ...floatTensor('w', [2], [1, 2]),
      dataLocation: 1,
      externalData: [{ key: 'location', value: '/etc/passwd' }],
    };
    refusal(withInitializer(outside)).toThrow('initializer "w" must be in the file: it is external data');
    const inNode = node('Constant', [], ['c'], [{ ...attribute.int('value', 0), type: 4, t: outside }]);
    refusal(withNode(inNode)).toThrow('attribute "value" of "Constant" must be in the file');
  });

  test('weights that are no numbers', () => {
    refusal(withInitializer(floatTensor('w', [2], [1, Number.NaN]))).toThrow('initializer "w" must hold numbers only');
    const trees = node(
      'TreeEnsembleRegressor',
      ['features'],
      ['t'],
      [attribute.floats('nodes_values', [Number.NaN])],
      'ai.onnx.ml',
    );
    refusal(withNode(trees)).toThrow('attribute "nodes_values" of "TreeEnsembleRegressor" must hold numbers only');
  });

  test('but not an imputer, which names the NaN that it replaces', () => {
    const imputer = node('Imputer', ['features'], ['i'], [attribute.floats('imputed_value_floats', [Number.NaN])], 'ai.onnx.ml');
    expect(checkFile(bytesOf(withNode(imputer))).nodes).toBe(3);
  });

  test('tensors that do not have the size they state', () => {
    refusal(withInitializer({ ...floatTensor('w', [3], [1, 2]) })).toThrow('must hold 12 bytes: it holds 8');
    refusal(withInitializer(int64Tensor('w', [3], [1]))).toThrow('must hold 3 numbers: it holds 1');
    refusal(withInitializer(floatTensor('w', [2_000_000_000, 2_000_000_000], [1]))).toThrow(
      'must have a size that fits the file',
    );
    refusal(withInitializer(floatTensor('w', [-1], [1]))).toThrow('must have a size that fits the file');
  });

  test('operators of strangers, and sets that the runtime does not know', () => {
    const foreign = { ...linearModel([1]), opsetImport: [{ domain: 'com.example', version: 1 }] };
    refusal(foreign).toThrow('it declares "com.example"');
    refusal(withNode(node('Magic', ['features'], ['m'], [], 'com.example'))).toThrow('"com.example" is not declared');
    refusal({ ...linearModel([1]), opsetImport: [{ domain: '', version: 27 }] }).toThrow('"ai.onnx" must be 7 to 26: it is 27');
    refusal({ ...linearModel([1]), opsetImport: [] }).toThrow('it declares none');
    refusal({ ...linearModel([1]), irVersion: 14 }).toThrow('IR version must be 3 to 13: it is 14');
  });

  test('loops and branches, training graphs, local functions, deep nesting', () => {
    refusal(withNode(node('Loop', ['features'], ['l']))).toThrow('it has the operator "Loop"');
    refusal({ ...linearModel([1]), trainingInfo: [{ initialization: linearModel([1]).graph }] }).toThrow('training graphs');
    refusal({ ...linearModel([1]), functions: [{ name: 'f', node: [], opsetImport: [] }] }).toThrow('functions must be inlined');
    refusal({ ...linearModel([1]), graph: nested(20) }).toThrow('nested at most 16 deep');
    expect(checkFile(bytesOf({ ...linearModel([1]), graph: nested(10) })).nodes).toBe(12);
  });

  test('half precision and other things that are not float tensors at the border', () => {
    const half = floatValue('features', ['n', 1]);
    const input = [{ ...half, type: { tensorType: { ...half.type?.tensorType, elemType: elementTypes.float16 } } }];
    refusal({ ...linearModel([1]), graph: { ...linearModel([1]).graph, input } }).toThrow('must be float32: it is float16');
    const sequence = [{ name: 'features', type: { sequenceType: {} } }];
    refusal({ ...linearModel([1]), graph: { ...linearModel([1]).graph, input: sequence } }).toThrow('must be a tensor');
  });

  test('more nodes than anybody writes', () => {
    const many = Array.from({ length: 100_001 }, (_, index) => node('Identity', ['features'], [`x${index}`]));
    refusal(model({ name: 'many', input: [floatValue('features', ['n', 1])], output: [], node: many, initializer: [] })).toThrow(
      'at most 100000 nodes',
    );
  });
});
