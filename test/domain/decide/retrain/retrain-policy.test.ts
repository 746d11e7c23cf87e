import { describe, expect, test } from 'vitest';
import { retrainSchema } from '#domain/contracts/pipeline-spec/operation.ts';
import { retrainPolicySchema } from '#domain/contracts/retrain-policy.ts';
import { declaredWorth, horizonDays, retrainPolicyOf } from '#domain/decide/retrain/retrain-policy.ts';
import { dayMs, hourMs } from '#domain/units.ts';
import { beginMs, policyOf } from './observed.ts';

describe('retrainPolicyOf()', () => {
  test('is a policy of the contract, from nothing said', () => {
    const policy = retrainPolicyOf(retrainSchema.parse({}));
    expect(retrainPolicySchema.parse(policy)).toEqual(policy);
    expect(policy).toMatchObject({
      on: ['performance', 'estimate', 'drift', 'age', 'new labels'],
      weighsGain: false,
      maxAgeMs: 30 * dayMs,
      cooldownMs: 12 * hourMs,
      budget: { runs: 8, perMs: 30 * dayMs },
      newLabels: { share: 0.25, rareRows: 1000 },
      backOff: { after: 3 },
    });
  });

  test('takes what the file says', () => {
    const file = {
      on: ['age'],
      max_age: '9d',
      cooldown: '1h',
      budget: { runs: 2, per: '2d' },
      new_labels: { share: '10%', rare_rows: 5 },
    };
    expect(retrainPolicyOf(retrainSchema.parse(file))).toMatchObject({
      on: ['age'],
      maxAgeMs: 9 * dayMs,
      cooldownMs: hourMs,
      budget: { runs: 2, perMs: 2 * dayMs },
      newLabels: { share: 0.1, rareRows: 5 },
    });
  });
});

describe('declaredWorth()', () => {
  const worth = (value_per_error: unknown, cost_per_run: unknown) =>
    retrainSchema.safeParse({ worth: { predictions_per_day: 20_000, value_per_error, cost_per_run } });

  test('reads amounts with and without a currency', () => {
    expect(declaredWorth(retrainSchema.parse({}))).toBeNull();
    const euros = worth('0.05 EUR', '3 EUR');
    expect(euros.success && declaredWorth(euros.data)).toEqual({
      predictionsPerDay: 20_000,
      valuePerError: 0.05,
      costPerRun: 3,
      currency: 'EUR',
    });
    const plain = worth(0.05, '3');
    expect(plain.success && declaredWorth(plain.data)).toMatchObject({ valuePerError: 0.05, costPerRun: 3, currency: null });
  });

  test.each([
    ['0.05 EUR', '3 USD', 'must be amounts in one currency'],
    ['0.05 EUR', 3, 'must be amounts in one currency'],
    ['five', 3, 'must be an amount such as 0.05 or 0.05 EUR'],
    [-1, 3, 'Too small: expected number to be >=0'],
  ])('refuses %s and %s', (value, cost, message) => {
    expect(worth(value, cost).error?.issues[0]?.message).toBe(message);
  });
});

test('horizonDays() ends at the maximum age, and never below nothing', () => {
  const policy = policyOf({ max_age: '30d' });
  expect(horizonDays(policy, beginMs, beginMs + 10 * dayMs)).toBe(20);
  expect(horizonDays(policy, beginMs, beginMs + 31 * dayMs)).toBe(0);
});
