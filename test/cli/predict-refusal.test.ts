import { expect, test } from 'vitest';
import { errorBody } from '../../serving/plugins/errors.ts';
import { refusalOf } from '../../workers/cli/predict-refusal.ts';

test('is what the server said, with its code and every field, each once', () => {
  const problems = [
    { field: 'tenure', message: 'must be a number' },
    { field: 'contract', message: 'is not known' },
  ];
  const body = errorBody('PRN_INPUT_INVALID', 'Cannot use body: "tenure" must be a number', problems);
  expect(refusalOf(400, JSON.stringify(body))).toMatchObject({
    code: 'PRN_INPUT_INVALID',
    message: 'Cannot use body: "tenure" must be a number; "contract" is not known',
  });
});

test.each(['<html>', '{}', '{"error":{"code":"toString","message":"x"}}'])('of another server (%s) is told as such', (text) => {
  expect(refusalOf(502, text)).toMatchObject({ code: 'PRN_UNREACHABLE', message: expect.stringContaining('status 502') });
});
