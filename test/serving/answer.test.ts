import { describe, expect, test } from 'vitest';
import { answerOf, answerWidths } from '../../serving/model/answer.ts';
import { createPredictionId } from '../../serving/predict/prediction-id.ts';

const binary = { task: 'binary' as const, classes: ['false', 'true'], positiveClass: 'true', threshold: 0.5 };

describe('answerOf()', () => {
  test('takes the positive class from one number or from two', () => {
    expect(answerOf(binary, Float32Array.of(0.75))).toEqual({ prediction: true, probability: 0.75 });
    expect(answerOf(binary, Float32Array.of(0.75, 0.25))).toEqual({ prediction: false, probability: 0.25 });
  });
  test('counts the threshold itself as positive', () => {
    expect(answerOf(binary, Float32Array.of(0.5))).toMatchObject({ prediction: true });
    expect(answerOf({ ...binary, threshold: 0.75 }, Float32Array.of(0.5))).toMatchObject({ prediction: false });
  });
  test('names classes that are not true and false', () => {
    const named = { ...binary, classes: ['stays', 'leaves'], positiveClass: 'leaves' };
    expect(answerOf(named, Float32Array.of(0.25, 0.75))).toEqual({ prediction: 'leaves', probability: 0.75 });
    expect(answerOf({ ...named, positiveClass: 'stays' }, Float32Array.of(0.25, 0.75))).toEqual({
      prediction: 'leaves',
      probability: 0.25,
    });
  });
  test('gives all probabilities of several classes, whatever they are called', () => {
    const several = { task: 'multiclass' as const, classes: ['__proto__', 'b', 'c'], positiveClass: null, threshold: 0.5 };
    const answer = answerOf(several, Float32Array.of(0.25, 0.5, 0.25));
    expect(answer).toMatchObject({ prediction: 'b', probability: 0.5 });
    expect(JSON.stringify(answer.probabilities)).toBe('{"__proto__":0.25,"b":0.5,"c":0.25}');
  });
  test('gives the first of equal classes', () => {
    const several = { task: 'multiclass' as const, classes: ['a', 'b', 'c'], positiveClass: null, threshold: 0.5 };
    expect(answerOf(several, Float32Array.of(0.25, 0.375, 0.375)).prediction).toBe('b');
  });
  test('gives the number of a regression', () => {
    expect(answerOf({ task: 'regression', classes: [], positiveClass: null, threshold: 0.5 }, Float32Array.of(-2.5))).toEqual({
      prediction: -2.5,
    });
  });
  test.each([Number.NaN, Number.POSITIVE_INFINITY])('refuses %s', (value) => {
    expect(() => answerOf(binary, Float32Array.of(0.5, value))).toThrow(expect.objectContaining({ code: 'PRN_SERVING_ANSWER' }));
  });
});

test('answerWidths() says how many numbers a task may answer', () => {
  expect(answerWidths({ task: 'regression', classes: [] })).toEqual([1]);
  expect(answerWidths({ task: 'binary', classes: ['a', 'b'] })).toEqual([2, 1]);
  expect(answerWidths({ task: 'multiclass', classes: ['a', 'b', 'c'] })).toEqual([3]);
});

test('createPredictionId() makes distinct ids of version 7 that sort by time', () => {
  const at = Date.parse('2026-01-31T12:00:00.000Z');
  const ids = Array.from({ length: 2_000 }, (_, index) => createPredictionId(at + index));
  expect(new Set(ids).size).toBe(ids.length);
  expect(ids.toSorted()).toEqual(ids);
  for (const id of ids) expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  expect(Number.parseInt((ids[0] as string).replace('-', '').slice(0, 12), 16)).toBe(at);
});
