import { afterAll, beforeAll, expect, test } from 'vitest';
import { floatTensor, floatValue, model, node } from '../../infra/onnx/builders.ts';
import { encodeModel } from '../../infra/onnx/proto.ts';
import { type OnnxSession, openSession } from '../../infra/onnx/session.ts';
import { createBatcher } from '../../serving/model/batcher.ts';
import { createVectorizer } from '../../workflows/domain/features/apply.ts';
import { churnFeatures } from './support/models.ts';

let session: OnnxSession;
/** Answers [tenure + 1 + charges, twice that]: an answer tells whose row it was. */
beforeAll(async () => {
  const weights = floatTensor('weights', [4, 2], [1, 2, 1, 2, 1, 2, 1, 2]);
  const input = [floatValue('features', ['n', 4])];
  const output = [floatValue('answer', ['n', 2])];
  const nodes = [node('MatMul', ['features', 'weights'], ['answer'])];
  session = await openSession(encodeModel(model({ name: 'tells', input, output, node: nodes, initializer: [weights] })));
});
afterAll(() => session.release());

const rowsOf = (from: number, count: number) =>
  Array.from({ length: count }, (_, index) => ({ tenure: from + index, contract: 'monthly', charges: 0 }));
const wanted = (from: number, count: number) => rowsOf(from, count).flatMap(({ tenure }) => [tenure + 1, 2 * (tenure + 1)]);
const lookupOf = () => () => undefined;

test('createBatcher() gives each request its own rows, of any number, in one call where they fit', async () => {
  let calls = 0;
  const counting = {
    outputWidth: session.outputWidth,
    run: (matrix: Float32Array, rows: number) => {
      calls += 1;
      return session.run(matrix, rows);
    },
  };
  const batcher = createBatcher(counting, createVectorizer(churnFeatures));
  const sizes = [1, 1, 3, 1, 50, 1];
  const answers = await Promise.all(sizes.map((size, index) => batcher.answer(rowsOf(index * 1_000, size), lookupOf)));
  answers.forEach((answer, index) => expect([...answer]).toEqual(wanted(index * 1_000, sizes[index] as number)));
  expect(calls).toBe(1);

  const large = [200, 100, 255, 1, 256, 700, 2];
  const more = await Promise.all(large.map((size, index) => batcher.answer(rowsOf(index * 1_000, size), lookupOf)));
  more.forEach((answer, index) => expect([...answer]).toEqual(wanted(index * 1_000, large[index] as number)));
});

test('createBatcher() keeps answers apart over turns, while earlier calls still run', async () => {
  const batcher = createBatcher(session, createVectorizer(churnFeatures));
  const answers: Promise<Float32Array>[] = [];
  for (let turn = 0; turn < 50; turn += 1) {
    answers.push(batcher.answer(rowsOf(turn * 10, 2), lookupOf));
    await new Promise((resolve) => setImmediate(resolve));
    answers.push(batcher.answer(rowsOf(turn * 10 + 5, 1), lookupOf));
  }
  const all = await Promise.all(answers);
  all.forEach((answer, index) => {
    const isFirst = index % 2 === 0;
    const from = Math.floor(index / 2) * 10 + (isFirst ? 0 : 5);
    expect([...answer]).toEqual(wanted(from, isFirst ? 2 : 1));
  });
});

test('createBatcher() tells all requests of a call that failed, and goes on', async () => {
  let broken = true;
  const failing = {
    outputWidth: session.outputWidth,
    run: (matrix: Float32Array, rows: number) => (broken ? Promise.reject(new Error('broken')) : session.run(matrix, rows)),
  };
  const batcher = createBatcher(failing, createVectorizer(churnFeatures));
  const both = await Promise.allSettled([batcher.answer(rowsOf(0, 1), lookupOf), batcher.answer(rowsOf(1, 1), lookupOf)]);
  expect(both.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  broken = false;
  expect([...(await batcher.answer(rowsOf(7, 1), lookupOf))]).toEqual(wanted(7, 1));
});
