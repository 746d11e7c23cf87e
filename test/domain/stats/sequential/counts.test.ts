import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { logMixtureRatio, priorAround, splitAt } from '#domain/stats/sequential/beta-mixture.ts';
import { logBetaUpperTail } from '#domain/stats/sequential/beta-upper-tail.ts';
import { countAbove } from '#domain/stats/sequential/count-above.ts';
import {
  alwaysValidP,
  eValueOf,
  logEvidenceOfDifference,
  logEvidenceOfHarm,
  priorStrength,
} from '#domain/stats/sequential/count-test.ts';
import { eventsToDetect, requestsToDetect } from '#domain/stats/sequential/events-to-detect.ts';
import { boundEventShare, boundRateRatio } from '#domain/stats/sequential/rate-ratio.ts';
import { logEvidenceOfMismatch, testSplitOnce } from '#domain/stats/sequential/split-mismatch.ts';
import { binomialProbability } from '#domain/stats/special/binomial.ts';
import golden from '../../../golden/sequential.json' with { type: 'json' };
import vectors from '../../../golden/vectors.json' with { type: 'json' };
import { expectRelative } from '../tolerance.ts';

const shares = fc.constantFrom(0.01, 0.05, 0.1, 0.2, 0.5, 0.9);
const events = fc.integer({ min: 0, max: 3000 });

describe('evidence from counts', () => {
  const wanted = vectors.sequential_counts;
  const counts = { share: wanted.canary_share, candidate: wanted.canary_errors, champion: wanted.baseline_errors };

  test('agrees with the design', () => {
    expectRelative(logEvidenceOfDifference(counts), wanted.log_bf_two_sided, 1e-9);
    expectRelative(alwaysValidP(logEvidenceOfDifference(counts)), wanted.p_two_sided, 1e-9);
    expectRelative(logEvidenceOfHarm(counts), wanted.log_bf_harm, 1e-9);
    expectRelative(alwaysValidP(logEvidenceOfHarm(counts)), wanted.p_harm, 1e-9);
  });

  test.each(golden.counts)('agrees with exact fractions: $candidate and $champion at $share', (one) => {
    expectRelative(logEvidenceOfDifference(one, one.strength), one.difference, 1e-11, 1e-12);
    expectRelative(logEvidenceOfHarm(one, one.strength), one.harm, 1e-11, 1e-12);
  });

  test.each(golden.large)('loses nothing with a million events: $candidate and $champion', (one) => {
    const { share, strength, candidate, champion } = one;
    expectRelative(logMixtureRatio(priorAround(share, strength), candidate, champion, splitAt(share)), one.difference, 1e-8);
  });

  test.each(golden.tails)('the tail of a beta variable ($a, $b) beyond $x', ({ a, b, x, logUpper }) => {
    expectRelative(logBetaUpperTail({ a, b }, splitAt(x)), logUpper, 1e-11, 1e-15);
  });

  test('nothing seen is no evidence', () => {
    expect(logEvidenceOfDifference({ share: 0.1, candidate: 0, champion: 0 })).toBe(0);
    expect(logEvidenceOfHarm({ share: 0.1, candidate: 0, champion: 0 })).toBe(0);
    expect(alwaysValidP(-3)).toBe(1);
  });

  test('a candidate that was better for long can still be found out', () => {
    const better = logEvidenceOfHarm({ share: 0.2, candidate: 1, champion: 1_000_000 });
    expect(better).toBeGreaterThan(-20);
    expect(better).toBeLessThan(-5);
    const then = logEvidenceOfHarm({ share: 0.5, candidate: 300, champion: 100 });
    expect(better + then).toBeGreaterThan(Math.log(100));
  });

  test('is finite at the end of doubles', () => {
    expect(eValueOf(logEvidenceOfHarm({ share: 0.2, candidate: 1e6, champion: 0 }))).toBe(Number.MAX_VALUE);
    expect(eValueOf(709.7827128933841)).toBeLessThanOrEqual(Number.MAX_VALUE);
    expect(eValueOf(-1e6)).toBe(0);
  });

  test('averages to one over all ways in which events may fall at the share itself', () => {
    for (const share of [0.05, 0.2, 0.5]) {
      for (const evidence of [logEvidenceOfDifference, logEvidenceOfHarm]) {
        const trials = 40;
        let mean = 0;
        for (let candidate = 0; candidate <= trials; candidate++) {
          const chance = binomialProbability(candidate, trials, share);
          mean += chance * Math.exp(evidence({ share, candidate, champion: trials - candidate }));
        }
        expectRelative(mean, 1, 1e-10);
      }
    }
  });

  test('of harm averages to less than one where the candidate is better: a test of every ratio up to 1', () => {
    let mean = 0;
    for (let candidate = 0; candidate <= 40; candidate++) {
      mean +=
        binomialProbability(candidate, 40, 0.15) *
        Math.exp(logEvidenceOfHarm({ share: 0.2, candidate, champion: 40 - candidate }));
    }
    expect(mean).toBeLessThan(1);
  });

  test('of harm grows with each event of the candidate and falls with each of the champion', () => {
    fc.assert(
      fc.property(shares, events, events, (share, candidate, champion) => {
        const here = logEvidenceOfHarm({ share, candidate, champion });
        expect(logEvidenceOfHarm({ share, candidate: candidate + 1, champion })).toBeGreaterThan(here);
        expect(logEvidenceOfHarm({ share, candidate, champion: champion + 1 })).toBeLessThan(here);
      }),
    );
  });

  test('refuses what is no share and no count', () => {
    for (const share of [0, 1, -0.1, Number.NaN]) {
      expect(() => logEvidenceOfHarm({ share, candidate: 1, champion: 1 })).toThrow(RangeError);
      expect(() => logEvidenceOfDifference({ share, candidate: 1, champion: 1 })).toThrow(RangeError);
    }
    for (const count of [-1, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(() => logEvidenceOfHarm({ share: 0.1, candidate: count, champion: 1 })).toThrow(RangeError);
      expect(() => logEvidenceOfDifference({ share: 0.1, candidate: 1, champion: count })).toThrow(RangeError);
    }
    expect(() => logEvidenceOfDifference({ share: 0.1, candidate: 1, champion: 1 }, 0)).toThrow(
      /strength must be above 0: it is 0/,
    );
  });
});

describe('the ratio of rates', () => {
  const wanted = vectors.sequential_counts;
  const counts = { share: wanted.canary_share, candidate: wanted.canary_errors, champion: wanted.baseline_errors };

  test('agrees with the design', () => {
    const found = boundRateRatio([counts], 0.05);
    expectRelative(found?.estimate as number, wanted.rate_ratio_point, 1e-12);
    expectRelative(found?.lower as number, wanted.rate_ratio_cs95[0] as number, 1e-9);
    expectRelative(found?.upper as number, wanted.rate_ratio_cs95[1] as number, 1e-9);
    const share = boundEventShare(counts, 0.05);
    expectRelative(share.lower, wanted.theta_cs95[0] as number, 1e-9);
    expectRelative(share.upper, wanted.theta_cs95[1] as number, 1e-9);
  });

  test.each(golden.ratios)('agrees with SciPy at alpha $alpha: $segments', ({ segments, alpha, lower, upper }) => {
    const found = boundRateRatio(segments, alpha);
    expectRelative(found?.lower as number, lower, 1e-9);
    if (upper === null) expect(found?.upper).toBeNull();
    else expectRelative(found?.upper as number, upper, 1e-9);
  });

  test('without events is anything; with events of one arm only, bounded on one side', () => {
    expect(boundRateRatio([{ share: 0.1, candidate: 0, champion: 0 }], 0.05)).toEqual({ estimate: null, lower: 0, upper: null });
    expect(boundRateRatio([{ share: 0.1, candidate: 5, champion: 0 }], 0.05)).toMatchObject({ estimate: null, upper: null });
    expect(boundRateRatio([{ share: 0.1, candidate: 0, champion: 5 }], 0.05)).toMatchObject({ estimate: 0, lower: 0 });
  });

  test('is none where segments contradict each other', () => {
    const segments = [
      { share: 0.1, candidate: 1, champion: 5000 },
      { share: 0.5, candidate: 1000, champion: 8 },
    ];
    expect(boundRateRatio(segments, 0.05)).toBeNull();
  });

  test('a segment without events changes nothing', () => {
    expect(boundRateRatio([counts, { share: 0.5, candidate: 0, champion: 0 }], 0.05)).toEqual(boundRateRatio([counts], 0.05));
  });

  test('encloses 1 exactly where the evidence of a difference has not reached 1 / alpha', () => {
    fc.assert(
      fc.property(shares, fc.integer({ min: 1, max: 400 }), fc.integer({ min: 1, max: 400 }), (share, candidate, champion) => {
        const found = boundRateRatio([{ share, candidate, champion }], 0.01);
        const encloses = found !== null && found.lower < 1 && (found.upper as number) > 1;
        expect(encloses).toBe(logEvidenceOfDifference({ share, candidate, champion }) < Math.log(100));
      }),
    );
  });

  test('bounds of less confidence lie within those of more', () => {
    fc.assert(
      fc.property(shares, fc.integer({ min: 1, max: 400 }), fc.integer({ min: 1, max: 400 }), (share, candidate, champion) => {
        const segments = Object.freeze([Object.freeze({ share, candidate, champion })]);
        const wide = boundRateRatio(segments, 0.001);
        const narrow = boundRateRatio(segments, 0.1);
        if (wide === null || narrow === null) return;
        expect(wide.lower).toBeLessThan(narrow.lower);
        expect(wide.upper).toBeGreaterThan(narrow.upper as number);
        expect(narrow.lower).toBeLessThanOrEqual(narrow.estimate as number);
      }),
    );
  });

  test('refuses no segment and what is no level', () => {
    expect(() => boundRateRatio([], 0.05)).toThrow(/there must be a segment: there is none/);
    for (const alpha of [0, 1, Number.NaN]) expect(() => boundRateRatio([counts], alpha)).toThrow(RangeError);
  });
});

describe('the split of requests', () => {
  const { srm } = vectors;
  const counts = { share: srm.expected_share, candidate: srm.canary, champion: srm.baseline };

  test('agrees with the design', () => {
    expectRelative(testSplitOnce(counts).chiSquare, srm.chi2, 1e-9);
    expectRelative(testSplitOnce(counts).pValue, srm.p_chi2, 1e-9);
    expectRelative(logEvidenceOfMismatch(counts), srm.sequential_K100_log_bf, 1e-9);
    expectRelative(alwaysValidP(logEvidenceOfMismatch(counts)), srm.sequential_p, 1e-9);
    const classic = testSplitOnce({ share: 0.5, candidate: 600, champion: 400 });
    expectRelative(classic.chiSquare, srm.classic_600_400.chi2, 1e-9);
    expectRelative(classic.pValue, srm.classic_600_400.p, 1e-9);
  });

  test.each(golden.splits)('agrees with SciPy: $candidate and $champion at $share', (one) => {
    expectRelative(testSplitOnce(one).chiSquare, one.chiSquare, 1e-11);
    expectRelative(testSplitOnce(one).pValue, one.pValue, 1e-9);
  });

  test('needs requests', () => {
    expect(() => testSplitOnce({ share: 0.1, candidate: 0, champion: 0 })).toThrow(RangeError);
    expect(() => testSplitOnce({ share: 1, candidate: 5, champion: 0 })).toThrow(RangeError);
  });
});

describe('how long until harm is found', () => {
  test('at the events found, the evidence of the expected counts is at its threshold', () => {
    for (const share of [0.05, 0.1, 0.5]) {
      const found = eventsToDetect({ share, ratio: 3, alpha: 0.01 });
      const part = (3 * share) / (3 * share + 1 - share);
      expectRelative(logEvidenceOfHarm({ share, candidate: found * part, champion: found * (1 - part) }), Math.log(100), 1e-9);
    }
  });

  test('requests are events over the rates of both arms', () => {
    const plan = { share: 0.1, ratio: 2, alpha: 0.01 };
    const { requests, harmed } = requestsToDetect(plan, 0.001);
    expectRelative(requests * 0.9 * 0.001 + requests * 0.1 * 0.002, eventsToDetect(plan), 1e-12);
    expectRelative(harmed, requests * 0.0002, 1e-12);
  });

  test('is never for a candidate that is no worse', () => {
    expect(() => eventsToDetect({ share: 0.1, ratio: 1, alpha: 0.01 })).toThrow(/ratio must be above 1: it is 1/);
  });
});

test('a prior leans on more events where the share is small', () => {
  expect([0.01, 0.1, 0.11, 0.5].map(priorStrength)).toEqual([20, 20, 10, 10]);
});

describe('countAbove()', () => {
  test('counts what lies above, not what lies at the bound', () => {
    expect(countAbove(Object.freeze([12, 50, 51, 300]), 50)).toBe(2);
    expect(countAbove(Float64Array.of(1, Number.POSITIVE_INFINITY), 1)).toBe(1);
    expect(countAbove([], 50)).toBe(0);
  });

  test('refuses what is no number', () => {
    expect(() => countAbove([1, Number.NaN], 50)).toThrow(/value 1 is NaN/);
    expect(() => countAbove([1], Number.NaN)).toThrow(RangeError);
  });
});
