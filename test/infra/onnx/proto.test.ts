import { InferenceSession, Tensor } from 'onnxruntime-node';
import { expect, test } from 'vitest';
import { attribute, floatTensor, floatValue, model, node } from '../../../infra/onnx/builders.ts';
import { decodeModel, encodeModel } from '../../../infra/onnx/proto.ts';

const twice = () =>
  model({
    name: 'twice',
    input: [floatValue('features', ['n', 2])],
    output: [floatValue('value', ['n', 1])],
    node: [
      node('MatMul', ['features', 'weights'], ['sum']),
      node(
        'LinearRegressor',
        ['sum'],
        ['value'],
        [attribute.floats('coefficients', [2]), attribute.floats('intercepts', [0.5])],
        'ai.onnx.ml',
      ),
    ],
    initializer: [floatTensor('weights', [2, 1], [1, -3])],
    metadata: { made: 'by a test' },
  });

test('encodeModel() writes what onnxruntime runs', async () => {
  const session = await InferenceSession.create(encodeModel(twice()));
  const answers = await session.run({ features: new Tensor('float32', Float32Array.from([1, 2, 3, 4]), [2, 2]) });
  expect([...((answers.value as Tensor).data as Float32Array)]).toEqual([-9.5, -17.5]);
  await session.release();
});

test('decodeModel() reads back what encodeModel() wrote', () => {
  const bytes = encodeModel(twice());
  const read = decodeModel(bytes);
  expect(read.irVersion).toBe(8);
  expect(read.opsetImport).toEqual([{ version: 17 }, { domain: 'ai.onnx.ml', version: 3 }]);
  expect(read.graph.node.map((one) => one.opType)).toEqual(['MatMul', 'LinearRegressor']);
  expect(read.graph.input[0]?.type?.tensorType?.shape?.dim).toEqual([{ dimParam: 'n' }, { dimValue: 2 }]);
  expect(read.graph.node[1]?.attribute[0]?.floats).toEqual([2]);
  expect(read.metadataProps).toEqual([{ key: 'made', value: 'by a test' }]);
  expect(Buffer.from(encodeModel(read)).equals(Buffer.from(bytes))).toBe(true);
});

test.each([
  ['no bytes', new Uint8Array()],
  ['text', new TextEncoder().encode('<html>not found</html>')],
  ['half of a model', encodeModel(twice()).subarray(0, 60)],
])('decodeModel() refuses %s', (_, bytes) => {
  expect(() => decodeModel(bytes)).toThrow(expect.objectContaining({ code: 'PRN_MODEL_REFUSED' }));
});
