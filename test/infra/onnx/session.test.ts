import { afterEach, describe, expect, test } from 'vitest';
import { floatValue, model, node } from '../../../infra/onnx/builders.ts';
import { type OnnxSession, openSession } from '../../../infra/onnx/session.ts';
import type { OnnxModel } from '../../../infra/onnx/types.ts';
import { bytesOf, columnInputs, int64Value, labelAndProbabilities, linearModel, logisticModel } from './tiny-models.ts';

const opened: OnnxSession[] = [];
const open = async (one: OnnxModel): Promise<OnnxSession> => {
  const session = await openSession(bytesOf(one));
  opened.push(session);
  return session;
};
afterEach(async () => {
  for (const session of opened.splice(0)) await session.release();
});

const identity = (input: readonly (number | string)[], output: readonly (number | string)[] = input): OnnxModel =>
  model({
    name: 'identity',
    input: [floatValue('x', input)],
    output: [floatValue('y', output)],
    node: [node('Identity', ['x'], ['y'])],
    initializer: [],
  });

describe('openSession()', () => {
  test('reads what a model takes and gives', async () => {
    const session = await open(logisticModel([1, 2, 3]));
    expect(session).toMatchObject({ inputWidth: 3, outputWidth: 1 });
    expect(session.inputs).toEqual([{ name: 'features', type: 'float32', shape: ['n', 3] }]);
    expect(session.output).toEqual({ name: 'probability', type: 'float32', shape: ['n', 1] });
  });

  test('answers probabilities, not the label that stands before them', async () => {
    const session = await open(labelAndProbabilities());
    expect(session.outputWidth).toBe(3);
    const answers = await session.run(Float32Array.of(1, 0, 0, 0), 2);
    expect(answers.length).toBe(6);
    expect([...answers.subarray(3)].map((value) => value.toFixed(4))).toEqual(['0.3333', '0.3333', '0.3333']);
  });

  test('feeds one column an input, whole numbers among them', async () => {
    const session = await open(columnInputs());
    expect(session.inputWidth).toBe(2);
    expect([...(await session.run(Float32Array.of(1, 2, 3, 4), 2))]).toEqual([21, 43]);
    await expect(session.run(Float32Array.of(1, 2.5), 1)).rejects.toThrow('input "visits" takes whole numbers: got 2.5');
  });

  test('answers for more rows than one call takes, and for none', async () => {
    const session = await open(linearModel([1, 10]));
    const rows = 20_001;
    const answers = await session.run(
      Float32Array.from({ length: rows * 2 }, (_, index) => index % 5),
      rows,
    );
    expect(answers.length).toBe(rows);
    expect(answers[rows - 1]).toBe((((rows - 1) * 2) % 5) + 10 * (((rows - 1) * 2 + 1) % 5));
    expect(await session.run(new Float32Array(0), 0)).toEqual(new Float32Array(0));
  });

  test('gives a row the same answer alone and among others', async () => {
    const session = await open(logisticModel([0.3, -0.7]));
    const matrix = Float32Array.from({ length: 200 }, (_, index) => Math.sin(index));
    const together = await session.run(matrix, 100);
    for (let row = 0; row < 100; row++) expect((await session.run(matrix.slice(row * 2, row * 2 + 2), 1))[0]).toBe(together[row]);
  });

  test('passes missing values on as NaN', async () => {
    const session = await open(linearModel([1, 1]));
    expect(await session.run(Float32Array.of(1, Number.NaN), 1)).toEqual(Float32Array.of(Number.NaN));
  });

  test('fills the last batch of a model with a fixed number of rows', async () => {
    const session = await open(identity([2, 1]));
    expect([...(await session.run(Float32Array.of(1, 2, 3), 3))]).toEqual([1, 2, 3]);
  });

  test('takes an open width from the matrix', async () => {
    const session = await open(identity(['n', 'k'], ['n', 2]));
    expect(session.inputWidth).toBeNull();
    expect([...(await session.run(Float32Array.of(1, 2, 3, 4), 2))]).toEqual([1, 2, 3, 4]);
  });

  test('keeps its matrix', async () => {
    const session = await open(linearModel([1, 1]));
    const matrix = Float32Array.of(1, 2);
    await session.run(matrix, 1);
    expect([...matrix]).toEqual([1, 2]);
  });
});

describe('openSession() refuses', () => {
  const refusal = (one: OnnxModel) => expect(open(one)).rejects;

  test('bytes that are no model', async () => {
    await expect(openSession(Buffer.from('hello'))).rejects.toMatchObject({ code: 'PRN_MODEL_REFUSED' });
  });

  test('an input of three dimensions', () => refusal(identity(['n', 2, 2])).toThrow('must be [n, k]: it has 3 dimensions'));

  test('several inputs that are not columns', () =>
    refusal(
      model({
        name: 'two matrices',
        input: [floatValue('a', ['n', 2]), floatValue('b', ['n', 2])],
        output: [floatValue('y', ['n', 2])],
        node: [node('Add', ['a', 'b'], ['y'])],
        initializer: [],
      }),
    ).toThrow('each of its 2 inputs must be [n, 1]: "a" is [n, 2]'));

  test('a model without numbers for an answer', () =>
    refusal(
      model({
        name: 'label only',
        input: [int64Value('x', ['n', 1])],
        output: [int64Value('label', ['n', 1])],
        node: [node('Identity', ['x'], ['label'])],
        initializer: [],
      }),
    ).toThrow('found "label" int64[n, 1]'));

  test('a matrix of another width, and a run after its release', async () => {
    const session = await openSession(bytesOf(linearModel([1, 1])));
    await expect(session.run(new Float32Array(5), 2)).rejects.toThrow('each must have 2 features: matrix holds 5 numbers');
    await session.release();
    await session.release();
    await expect(async () => session.run(new Float32Array(2), 1)).rejects.toThrow('its session was released');
  });
});
