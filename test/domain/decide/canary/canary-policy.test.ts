import { describe, expect, test } from 'vitest';
import { canaryPolicySchema } from '#domain/contracts/canary.ts';
import { rolloutSchema } from '#domain/contracts/pipeline-spec/operation.ts';
import { canaryPolicyOf } from '#domain/decide/canary/canary-policy.ts';

const policyOf = (file: object) => canaryPolicyOf(rolloutSchema.parse(file));

describe('canaryPolicyOf()', () => {
  test('has a default for everything', () => {
    expect(policyOf({})).toEqual({
      steps: [0.1, 0.5, 1],
      atLeastMs: 600_000,
      requests: 1000,
      exposure: 1000,
      guardrails: [
        { name: 'errors', alpha: 0.01, margin: 0.25, allowance: 0.001, floor: 0.05, floorAlpha: 0.001, designEffect: 1 },
      ],
      splitAlpha: 0.001,
      deadlineMs: 21_600_000,
      atDeadline: 'roll back',
      silenceMs: 300_000,
      patienceMs: 1_800_000,
    });
    expect(canaryPolicySchema.parse(policyOf({}))).toEqual(policyOf({}));
  });

  test('divides the chance of a false alarm, two shares to what is critical', () => {
    const alphas = (guardrails: object) => policyOf({ alpha: '4%', guardrails }).guardrails.map(({ alpha }) => alpha);
    expect(alphas({ errors: {}, latency_p99: {}, out_of_range: {} })).toEqual([0.02, 0.01, 0.01]);
    expect(alphas({ errors: { critical: false }, latency_p99: { critical: true }, out_of_range: {} })).toEqual([
      0.01, 0.02, 0.01,
    ]);
    expect(alphas({ timeouts: {}, shed: {} })).toEqual([0.02, 0.02]);
  });

  test('reads a floor from "above": a share; for a latency the share that its percentile leaves', () => {
    const floor = (guardrails: object) => policyOf({ guardrails }).guardrails.map((one) => one.floor);
    expect(floor({ errors: { above: '2%' }, out_of_range: { above: 0.3 } })).toEqual([0.02, 0.3]);
    expect(floor({ latency_p95: { above: '50ms' }, latency_p99: { above: '50ms' } })).toEqual([0.05, 0.01]);
    expect(floor({ latency_p99: {}, timeouts: {} })).toEqual([null, null]);
  });

  test('divides the chance of a false alarm by a floor among the floors', () => {
    const found = policyOf({ guardrails: { errors: {}, latency_p99: { above: '50ms' }, shed: {} } }).guardrails;
    expect(found.map(({ floorAlpha }) => floorAlpha)).toEqual([0.0005, 0.0005, 0.0005]);
  });

  test('takes what the file says', () => {
    const found = policyOf({
      steps: ['1%', '100%'],
      step: { at_least: '1m', requests: 50, exposure: 300 },
      guardrails: { errors: { margin: 1 }, shed: {} },
      margin: 0.1,
      allowance: '1%',
      deadline: '1h',
      at_deadline: 'hold',
      patience: { silence: '1m', hold: '2m' },
    });
    expect(found).toMatchObject({ steps: [0.01, 1], atLeastMs: 60_000, requests: 50, exposure: 300, deadlineMs: 3_600_000 });
    expect(found).toMatchObject({ atDeadline: 'hold', silenceMs: 60_000, patienceMs: 120_000 });
    expect(found.guardrails.map(({ margin, allowance }) => [margin, allowance])).toEqual([
      [1, 0.01],
      [0.1, 0.01],
    ]);
  });

  test('refuses a canary that watches nothing, and floors that are none', () => {
    expect(() => policyOf({ guardrails: {} })).toThrow('Cannot roll out as there must be a guardrail: there is none');
    for (const above of [0, 1, 7, -1]) {
      expect(() => policyOf({ guardrails: { errors: { above } } })).toThrow(RangeError);
    }
  });
});

describe('rolloutSchema', () => {
  test.each([[['50%', '10%']], [['10%', '10%']], [[0, 1]]])('refuses the shares %j: they must ascend', (steps) => {
    expect(rolloutSchema.safeParse({ steps }).error?.issues[0]?.message).toBe('must be ascending shares above 0%');
  });

  test.each([0, 1, '0%', '100%'])('refuses an alpha of %s', (alpha) => {
    expect(rolloutSchema.safeParse({ alpha }).success).toBe(false);
  });
});
