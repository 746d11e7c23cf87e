import { expect, test } from 'vitest';
import { toScored } from '../../activities/evaluation/answers.ts';
import { calibrationErrorByMass } from '../../workflows/domain/stats/metrics/calibration.ts';

const question = { task: 'binary' as const, classes: ['no', 'yes'] };
const labels = Float32Array.of(1, 0);

test.each([1, 2])('probabilities that a rounding took out of [0, 1] can be judged for calibration, %s a row', (width) => {
  const data = width === 1 ? Float32Array.of(1.000001, -1e-7) : Float32Array.of(-1e-7, 1.000001, 1.000001, -1e-7);
  const scored = toScored(question, labels, { data, width, classes: question.classes }, 'the candidate');
  expect([...(scored.answers as Float32Array)]).toEqual([1, 0]);
  expect(calibrationErrorByMass(scored.labels, scored.answers, 10)).toBe(0);
});

test('further out it is no probability', () => {
  const answers = { data: Float32Array.of(1.1, 0), width: 1, classes: question.classes };
  expect(() => toScored(question, labels, answers, 'the candidate')).toThrow('must be a probability: row 0');
});
