import { describe, expect, it } from 'vitest';
import type { Agreement } from '#domain/contracts/rollout.ts';
import { checkAgreement } from '#domain/decide/shadow/check-agreement.ts';

const agreement = (lower: number, upper: number, compared = 1_000): Agreement => ({
  compared,
  disagreed: 10,
  evidence: {
    id: 'd',
    what: 'differ',
    kind: 'interval',
    estimate: 0.01,
    lower,
    upper,
    confidence: 0.95,
    sides: 'two',
    standardError: 0.01,
    method: 'm',
    rows: compared,
  },
});
const outcomes = (...args: Parameters<typeof checkAgreement>) => checkAgreement(...args).map(({ outcome }) => outcome);

describe('checkAgreement()', () => {
  it('passes below the limit, fails above it, and waits between', () => {
    expect(outcomes(agreement(0.01, 0.05), 0.05, 100)).toEqual(['pass', 'pass']);
    expect(outcomes(agreement(0.051, 0.09), 0.05, 100)).toEqual(['pass', 'fail']);
    expect(outcomes(agreement(0.05, 0.09), 0.05, 100)).toEqual(['pass', 'inconclusive']);
  });

  it('wants enough rows, and one where none are asked for', () => {
    expect(outcomes(agreement(0.01, 0.05, 99), 0.05, 100)).toEqual(['inconclusive', 'pass']);
    expect(outcomes(null, null, 0)).toEqual(['inconclusive']);
    expect(outcomes(null, 0.05, 0)).toEqual(['inconclusive', 'inconclusive']);
  });

  it('tells the share where there is no limit, and decides nothing by it', () => {
    expect(checkAgreement(agreement(0.3, 0.5), null, 100).at(-1)).toMatchObject({
      outcome: 'pass',
      sentence: '0.01 of the answers differ (0.3 to 0.5)',
    });
  });
});
