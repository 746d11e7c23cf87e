import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { alwaysValidP } from '#domain/stats/sequential/count-test.ts';
import { groupSequentialBounds, spendEvenly, spendLate } from '#domain/stats/sequential/group-sequential.ts';
import { differenceHalfWidth, sequenceHalfWidth, sequenceTuning } from '#domain/stats/sequential/mean-sequence.ts';
import { logEvidenceOfNormal, varianceOfDifference } from '#domain/stats/sequential/normal-mixture.ts';
import { findRoot, reachAbove } from '#domain/stats/sequential/root.ts';
import { normalUpperTail } from '#domain/stats/special/normal.ts';
import golden from '../../../golden/sequential.json' with { type: 'json' };
import vectors from '../../../golden/vectors.json' with { type: 'json' };
import { expectRelative } from '../tolerance.ts';

describe('normal means that may be looked at any time', () => {
  test('agree with the design', () => {
    const wanted = vectors.msprt_normal;
    const arm = { variance: wanted.sigma2, rows: wanted.n_per_arm };
    const variance = varianceOfDifference(arm, arm);
    expectRelative(variance * wanted.n_per_arm, wanted.V, 1e-12);
    const found = logEvidenceOfNormal({ difference: wanted.diff, variance }, wanted.tau2);
    expectRelative(Math.exp(found), wanted.lambda, 1e-9);
    expectRelative(alwaysValidP(found), wanted.p_always_valid, 1e-9);
    expectRelative(2 * normalUpperTail(wanted.diff / Math.sqrt(variance)), wanted.fixed_p, 1e-9);
  });

  test.each(golden.normals)('agree with integration: $difference, variance $variance, mixing $mixing', (one) => {
    expectRelative(logEvidenceOfNormal(one, one.mixing), one.logEvidence, 1e-9);
  });

  test('no difference is evidence of none, and the sign does not matter', () => {
    expect(logEvidenceOfNormal({ difference: 0, variance: 0.01 }, 0.1)).toBeLessThan(0);
    expect(logEvidenceOfNormal({ difference: -2, variance: 1 }, 1)).toBe(logEvidenceOfNormal({ difference: 2, variance: 1 }, 1));
  });

  test('refuse a variance of nothing', () => {
    expect(() => logEvidenceOfNormal({ difference: 1, variance: 0 }, 1)).toThrow(RangeError);
    expect(() => logEvidenceOfNormal({ difference: 1, variance: 1 }, 0)).toThrow(RangeError);
    expect(() => varianceOfDifference({ variance: 1, rows: 0 }, { variance: 1, rows: 1 })).toThrow(RangeError);
    expect(() => varianceOfDifference({ variance: 1, rows: 1 }, { variance: -1, rows: 1 })).toThrow(RangeError);
  });
});

describe('bounds of a mean at all times', () => {
  const wanted = vectors.confidence_sequence;

  test('agree with the design', () => {
    const tuning = sequenceTuning(wanted.n_star, wanted.alpha);
    expectRelative(tuning, wanted.rho, 1e-9);
    for (const [rows, half] of Object.entries(wanted.half_width_sd1)) {
      expectRelative(sequenceHalfWidth({ deviation: 1, rows: Number(rows) }, { alpha: wanted.alpha, tuning }), half, 1e-9);
    }
  });

  test.each(golden.sequences)('are where a mixture martingale crosses: $rows rows, $tuning, $alpha', (one) => {
    expectRelative(sequenceHalfWidth({ deviation: 1, rows: one.rows }, one), one.halfWidth, 1e-9);
    expectRelative(sequenceHalfWidth({ deviation: 7, rows: one.rows }, one), 7 * one.halfWidth, 1e-9);
  });

  test('of equal arms are those of a mean whose rows count four times their variance', () => {
    const settings = { alpha: 0.05, tuning: 0.1 };
    const arm = { variance: 2, rows: 400 };
    const whole = sequenceHalfWidth({ deviation: Math.sqrt(8), rows: 800 }, settings);
    expectRelative(differenceHalfWidth(arm, arm, settings), whole, 1e-12);
  });

  test('of unequal arms are wider than of equal ones, and do not depend on the order', () => {
    const settings = { alpha: 0.05, tuning: 0.1 };
    const few = { variance: 1, rows: 100 };
    const many = { variance: 1, rows: 900 };
    const half = { variance: 1, rows: 500 };
    expect(differenceHalfWidth(few, many, settings)).toBeGreaterThan(1.6 * differenceHalfWidth(half, half, settings));
    expect(differenceHalfWidth(few, many, settings)).toBe(differenceHalfWidth(many, few, settings));
  });

  test('narrow with rows and with alpha; none is no bound', () => {
    const settings = { alpha: 0.05, tuning: 0.1 };
    expect(sequenceHalfWidth({ deviation: 1, rows: 0 }, settings)).toBe(Number.POSITIVE_INFINITY);
    expect(sequenceHalfWidth({ deviation: 0, rows: 9 }, settings)).toBe(0);
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1e6 }), (rows) => {
        const here = sequenceHalfWidth({ deviation: 1, rows }, settings);
        expect(sequenceHalfWidth({ deviation: 1, rows: rows + 1 }, settings)).toBeLessThan(here);
        expect(sequenceHalfWidth({ deviation: 1, rows }, { ...settings, alpha: 0.01 })).toBeGreaterThan(here);
      }),
    );
  });

  test('refuse what is no level and no rows', () => {
    expect(() => sequenceTuning(0, 0.05)).toThrow(RangeError);
    for (const alpha of [0, 1, Number.NaN]) {
      expect(() => sequenceTuning(10, alpha)).toThrow(RangeError);
      expect(() => sequenceHalfWidth({ deviation: 1, rows: 5 }, { alpha, tuning: 0.1 })).toThrow(RangeError);
    }
  });
});

describe('a few planned looks', () => {
  const wanted = vectors.alpha_spending;

  test('agree with the design', () => {
    const late = groupSequentialBounds(wanted.t, 0.05, spendLate);
    const even = groupSequentialBounds(wanted.t, 0.05, spendEvenly);
    for (const [look, information] of wanted.t.entries()) {
      expectRelative(spendLate(information, 0.05), wanted.obf_cumulative_alpha[look] as number, 1e-9);
      expectRelative(spendEvenly(information, 0.05), wanted.pocock_cumulative_alpha[look] as number, 1e-9);
      expectRelative(late[look] as number, wanted.obf_z[look] as number, 1e-6);
      expectRelative(even[look] as number, wanted.pocock_z[look] as number, 1e-6);
    }
  });

  test.each(golden.boundaries)('agree with Gauss-Legendre: looks $looks, alpha $alpha', ({ looks, alpha, late, even }) => {
    const found = [groupSequentialBounds(looks, alpha, spendLate), groupSequentialBounds(looks, alpha, spendEvenly)];
    for (const [look] of looks.entries()) {
      expectRelative(found[0]?.[look] as number, late[look] as number, 1e-6);
      expectRelative(found[1]?.[look] as number, even[look] as number, 1e-6);
    }
  });

  test('one look is the usual bound; none is none', () => {
    expectRelative(groupSequentialBounds([1], 0.05, spendLate)[0] as number, 1.959963984540054, 1e-12);
    expect([...groupSequentialBounds([], 0.05, spendLate)]).toEqual([]);
    expect(spendLate(0, 0.05)).toBe(0);
    expect(spendEvenly(0, 0.05)).toBe(0);
  });

  test('must ascend within the information', () => {
    for (const looks of [[0, 1], [0.5, 0.5], [0.6, 0.4], [1.1], [Number.NaN]]) {
      expect(() => groupSequentialBounds(looks, 0.05, spendLate)).toThrow(RangeError);
    }
    expect(() => groupSequentialBounds([1], 0, spendLate)).toThrow(RangeError);
  });
});

describe('roots', () => {
  test('are found to the last bit, rising or falling', () => {
    expectRelative(
      findRoot((x) => x ** 3 - 2, 0, 9),
      Math.cbrt(2),
      4e-16,
    );
    expectRelative(
      findRoot((x) => 2 - x ** 3, 0, 9),
      Math.cbrt(2),
      4e-16,
    );
  });

  test('need a change of sign', () => {
    expect(() => findRoot((x) => x * x + 1, -1, 1)).toThrow(RangeError);
    expect(() => reachAbove(() => -1, 0, 1)).toThrow(RangeError);
    expect(reachAbove((x) => -x - 5, 0, -1)).toBe(-8);
  });
});
