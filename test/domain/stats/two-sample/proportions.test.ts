import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { newcombeInterval, twoProportionTest, wilsonInterval } from '#domain/stats/two-sample/proportions.ts';
import golden from '../../../golden/two-sample.json' with { type: 'json' };
import vectors from '../../../golden/vectors.json' with { type: 'json' };
import { expectRelative } from '../tolerance.ts';

const { props } = vectors;
const reference = { count: props.x_ref, rows: props.n_ref };
const current = { count: props.x_cur, rows: props.n_cur };
const shareOf = ([count, rows]: readonly number[]) => Object.freeze({ count: count as number, rows: rows as number });
const share = fc
  .tuple(fc.nat(500), fc.nat(500))
  .filter(([count, others]) => count + others > 0)
  .map(([count, others]) => ({ count, rows: count + others }));

describe('proportions agree with the vectors', () => {
  test('twoProportionTest()', () => {
    const found = twoProportionTest(reference, current);
    expectRelative(found?.z as number, props.z_pooled, 1e-9);
    expectRelative(found?.pValue as number, props.p, 1e-9);
  });

  test('newcombeInterval()', () => {
    const found = newcombeInterval(reference, current, 0.95);
    expectRelative(found?.lower as number, props.newcombe95_diff[0] as number, 1e-9);
    expectRelative(found?.upper as number, props.newcombe95_diff[1] as number, 1e-9);
  });

  test('wilsonInterval()', () => {
    const found = wilsonInterval({ count: 3, rows: 200 }, 0.95);
    expectRelative(found?.lower as number, props.wilson95_3of200[0] as number, 1e-9);
    expectRelative(found?.upper as number, props.wilson95_3of200[1] as number, 1e-9);
  });
});

describe('proportions agree with statsmodels', () => {
  test.each(golden.proportions)('Wilson: $count of $rows at $confidence', ({ count, rows, confidence, wilson }) => {
    const found = wilsonInterval({ count, rows }, confidence);
    expectRelative(found?.lower as number, wilson[0] as number, 1e-9, 1e-15);
    expectRelative(found?.upper as number, wilson[1] as number, 1e-10);
  });

  test.each(golden.differences)('$old and $fresh at $confidence', ({ old, fresh, confidence, low, high, z, pValue }) => {
    const limits = newcombeInterval(shareOf(old), shareOf(fresh), confidence);
    expectRelative(limits?.lower as number, low, 1e-9, 1e-13);
    expectRelative(limits?.upper as number, high, 1e-9, 1e-13);
    const found = twoProportionTest(shareOf(old), shareOf(fresh));
    expectRelative(found?.z as number, z, 1e-10, 1e-13);
    expectRelative(found?.pValue as number, pValue, 1e-9, 1e-300);
  });
});

describe('proportions', () => {
  test('limits hold the estimate, lie in range and widen with the confidence', () => {
    fc.assert(
      fc.property(share, share, (one, two) => {
        const wilson = wilsonInterval(one, 0.95);
        const newcombe = newcombeInterval(one, two, 0.95);
        if (wilson === null || newcombe === null) throw new TypeError('there are rows');
        expect(wilson.lower).toBeGreaterThanOrEqual(0);
        expect(wilson.lower).toBeLessThanOrEqual(wilson.estimate);
        expect(wilson.upper).toBeGreaterThanOrEqual(wilson.estimate);
        expect(wilson.upper).toBeLessThanOrEqual(1);
        expect(newcombe.lower).toBeGreaterThanOrEqual(-1);
        expect(newcombe.lower).toBeLessThanOrEqual(newcombe.estimate);
        expect(newcombe.upper).toBeGreaterThanOrEqual(newcombe.estimate);
        expect(newcombe.upper).toBeLessThanOrEqual(1);
        expect(newcombeInterval(one, two, 0.99)?.lower).toBeLessThanOrEqual(newcombe.lower);
      }),
    );
  });

  test('turn with the question: counting the others, or exchanging the sides', () => {
    fc.assert(
      fc.property(share, share, (one, two) => {
        const others = { count: one.rows - one.count, rows: one.rows };
        expectRelative(
          wilsonInterval(others, 0.9)?.lower as number,
          1 - (wilsonInterval(one, 0.9)?.upper as number),
          1e-9,
          1e-13,
        );
        expectRelative(
          -(newcombeInterval(two, one, 0.9)?.lower as number),
          newcombeInterval(one, two, 0.9)?.upper as number,
          1e-9,
          1e-13,
        );
      }),
    );
  });

  test('none and all have limits with a width, and no difference between equals', () => {
    expect(wilsonInterval({ count: 0, rows: 20 }, 0.95)).toMatchObject({ estimate: 0, lower: 0 });
    expect(wilsonInterval({ count: 20, rows: 20 }, 0.95)).toMatchObject({ estimate: 1, upper: 1 });
    expect(newcombeInterval({ count: 0, rows: 10 }, { count: 0, rows: 20 }, 0.95)?.upper).toBeGreaterThan(0.1);
    expect(twoProportionTest({ count: 0, rows: 10 }, { count: 0, rows: 5 })).toEqual({ z: 0, pValue: 1 });
    expect(twoProportionTest({ count: 10, rows: 10 }, { count: 5, rows: 5 })).toEqual({ z: 0, pValue: 1 });
  });

  test('no rows are no answer', () => {
    const none = { count: 0, rows: 0 };
    expect(wilsonInterval(none, 0.95)).toBeNull();
    expect(newcombeInterval(none, current, 0.95)).toBeNull();
    expect(newcombeInterval(reference, none, 0.95)).toBeNull();
    expect(twoProportionTest(none, current)).toBeNull();
    expect(twoProportionTest(reference, none)).toBeNull();
  });

  test('what is no share, and no confidence, is refused', () => {
    for (const wrong of [
      { count: -1, rows: 5 },
      { count: 6, rows: 5 },
      { count: 1.5, rows: 5 },
      { count: Number.NaN, rows: 5 },
      { count: 1, rows: Number.POSITIVE_INFINITY },
    ]) {
      expect(() => wilsonInterval(wrong, 0.95)).toThrow(RangeError);
      expect(() => twoProportionTest(reference, wrong)).toThrow(RangeError);
      expect(() => newcombeInterval(wrong, current, 0.95)).toThrow(/0 <= count <= rows must hold/);
    }
    for (const confidence of [0, 1, -1, Number.NaN]) {
      expect(() => wilsonInterval(reference, confidence)).toThrow(/confidence must be in \(0, 1\)/);
    }
  });
});
