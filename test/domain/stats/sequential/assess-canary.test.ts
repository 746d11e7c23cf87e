import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type ArmCounts,
  type CanarySegment,
  canaryAssessmentSchema,
  canarySegmentSchema,
  type GuardrailPolicy,
} from '#domain/contracts/canary.ts';
import type { Evidence } from '#domain/contracts/evidence.ts';
import { assessCanary } from '#domain/stats/sequential/assess-canary.ts';
import { logEvidenceOfHarm } from '#domain/stats/sequential/count-test.ts';
import { boundRateRatio } from '#domain/stats/sequential/rate-ratio.ts';
import { expectRelative } from '../tolerance.ts';

const errors: GuardrailPolicy = {
  name: 'errors',
  alpha: 0.05,
  margin: 0.25,
  allowance: 0.001,
  floor: 0.05,
  floorAlpha: 0.001,
  designEffect: 1,
};
const arm = (requests: number, count?: number): ArmCounts =>
  Object.freeze({ requests, units: requests, events: Object.freeze(count === undefined ? {} : { errors: count }) });
const segment = (share: number, candidate: ArmCounts, champion: ArmCounts): CanarySegment =>
  Object.freeze({ share, candidate, champion });

const assess = (segments: CanarySegment[], guardrail = errors) => {
  const found = assessCanary(Object.freeze(segments), Object.freeze({ guardrails: [Object.freeze(guardrail)] }));
  expect(canaryAssessmentSchema.parse(found)).toEqual(found);
  return { ...(found.guardrails[0] as (typeof found.guardrails)[number]), split: found.split };
};
const numberOf = (evidence: Evidence | null): number => {
  if (evidence?.kind === 'e-value') return evidence.eValue;
  if (evidence?.kind === 'measurement') return evidence.value;
  throw new TypeError(`${evidence?.kind} has no number`);
};

const one = segment(0.2, arm(2000, 18), arm(8000, 30));

describe('assessCanary()', () => {
  test('is the tests of counts, with their numbers', () => {
    const { harm, ratio, aboveBudget, floor, split } = assess([one]);
    expectRelative(numberOf(harm), Math.exp(3.039440975), 1e-8);
    expect(ratio).toMatchObject({ kind: 'interval', confidence: 0.95, sides: 'two', rows: 10_000, id: 'errors/ratio' });
    expectRelative((ratio as Extract<Evidence, { kind: 'interval' }>).upper, 5.867016369, 1e-9);
    // 2,000 requests at 30 of 8,000 are 7.5; a quarter more, and a thousandth of the requests.
    expectRelative(numberOf(aboveBudget), 18 - 7.5 * 1.25 - 2, 1e-12);
    expectRelative(numberOf(floor), Math.exp(logEvidenceOfHarm({ share: 0.05, candidate: 18, champion: 1982 })), 1e-12);
    expect(split).toMatchObject({ sequential: { kind: 'e-value' }, atOnce: { kind: 'p-value', pValue: 1, rows: 10_000 } });
  });

  test('multiplies the evidence of segments, and bounds one ratio over all of them', () => {
    const two = segment(0.5, arm(500, 12), arm(500, 4));
    const { harm, ratio, aboveBudget } = assess([one, two]);
    const counts = [
      { share: 0.2, candidate: 18, champion: 30 },
      { share: 0.5, candidate: 12, champion: 4 },
    ];
    expectRelative(numberOf(harm), Math.exp(counts.reduce((sum, each) => sum + logEvidenceOfHarm(each), 0)), 1e-12);
    expect(ratio).toMatchObject({ lower: boundRateRatio(counts, 0.05)?.lower });
    expectRelative(numberOf(aboveBudget), 12 - 4 * 1.25 - 0.5, 1e-12);
  });

  test('at all traffic harm rests on the segments before, the floor on all requests', () => {
    const all = segment(1, arm(1000, 300), arm(0));
    const { harm, ratio, aboveBudget, floor, split } = assess([one, all]);
    expect(numberOf(harm)).toBe(numberOf(assess([one]).harm));
    expect(ratio.kind).toBe('interval');
    expect(aboveBudget).toMatchObject({ kind: 'insufficient' });
    expect(numberOf(floor)).toBeGreaterThan(1e9);
    expect(split.sequential).toMatchObject({ kind: 'insufficient', reason: 'the candidate answers everything' });
  });

  test('from the start at all traffic there is nobody to compare with', () => {
    const { harm, ratio } = assess([segment(1, arm(1000, 3), arm(0))]);
    expect(harm).toMatchObject({ kind: 'insufficient', reason: 'no segment in which both arms answered' });
    expect(ratio).toMatchObject({ kind: 'insufficient', reason: 'no segment in which both arms answered' });
  });

  test('what an arm did not count is insufficient, in every segment from then on', () => {
    for (const blind of [segment(0.2, arm(2000), arm(8000, 30)), segment(0.2, arm(2000, 18), arm(8000))]) {
      const { harm, ratio, aboveBudget } = assess([blind]);
      for (const evidence of [harm, ratio, aboveBudget]) {
        expect(evidence).toMatchObject({ kind: 'insufficient', reason: 'errors was not counted' });
      }
      expect(assess([blind, one]).harm.kind).toBe('insufficient');
    }
    expect(assess([segment(0.2, arm(2000), arm(8000, 30))]).floor).toMatchObject({ kind: 'insufficient' });
  });

  test('before the first request there is no evidence, and nothing breaks', () => {
    const { harm, ratio, aboveBudget, floor, split } = assess([segment(0.1, arm(0, 0), arm(0, 0))]);
    expect([numberOf(harm), numberOf(floor)]).toEqual([1, 1]);
    expect(ratio).toMatchObject({ kind: 'insufficient', reason: 'no errors of the champion' });
    expect(aboveBudget).toMatchObject({ kind: 'insufficient', reason: 'no request of the champion' });
    expect(split.atOnce).toMatchObject({ kind: 'insufficient', reason: 'no request' });
  });

  test('a ratio that changed with the share is none', () => {
    const { ratio } = assess([segment(0.1, arm(100, 1), arm(6000, 5000)), segment(0.5, arm(2000, 1000), arm(2000, 8))]);
    expect(ratio).toMatchObject({ kind: 'insufficient', reason: 'the ratio is another one at each share' });
  });

  test('clusters of events weigh less', () => {
    const clustered = assess([segment(0.1, arm(1000, 60), arm(9000, 90))], { ...errors, designEffect: 5 });
    expectRelative(Math.log(numberOf(clustered.harm)), logEvidenceOfHarm({ share: 0.1, candidate: 12, champion: 18 }), 1e-12);
  });

  test('the split is that of what it is drawn over, not of requests', () => {
    const uneven = { requests: 5000, units: 100, events: { errors: 0 } };
    const { split } = assess([segment(0.1, uneven, { requests: 9000, units: 900, events: { errors: 0 } })]);
    expect(split.atOnce).toMatchObject({ kind: 'p-value', pValue: 1, rows: 1000 });
  });

  test('no floor, no evidence about one', () => {
    expect(assess([one], { ...errors, floor: null }).floor).toBeNull();
  });

  test('refuses no segment', () => {
    expect(() => assessCanary([], { guardrails: [errors] })).toThrow(/there must be a segment: there is none/);
  });

  test('the contract refuses more events than requests', () => {
    const wrong = { share: 0.1, candidate: { requests: 1, units: 1, events: { errors: 2 } }, champion: arm(1, 0) };
    expect(canarySegmentSchema.safeParse(wrong).success).toBe(false);
  });

  test('every further event of the candidate is more evidence of harm, never less', () => {
    const count = fc.integer({ min: 0, max: 400 });
    fc.assert(
      fc.property(fc.constantFrom(0.01, 0.1, 0.5), count, count, (share, candidate, champion) => {
        const at = (events: number) => assess([segment(share, arm(1000, events), arm(9000, champion))]);
        const [here, next] = [at(candidate), at(candidate + 1)];
        expect(numberOf(next.harm)).toBeGreaterThanOrEqual(numberOf(here.harm));
        expect(numberOf(next.floor)).toBeGreaterThanOrEqual(numberOf(here.floor));
        expect(numberOf(next.aboveBudget)).toBeGreaterThanOrEqual(numberOf(here.aboveBudget));
      }),
    );
  });
});
