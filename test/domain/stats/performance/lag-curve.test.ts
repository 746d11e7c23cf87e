import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { boundShareArrived, estimateLagCurve, lagOfShare, shareArrived } from '#domain/stats/performance/lag-curve.ts';
import {
  type LabelPolicy,
  maturedWindows,
  maturityOf,
  provisionalWeights,
  settleAt,
} from '#domain/stats/performance/maturity.ts';
import { createRandom } from '#domain/stats/random.ts';
import golden from '../../../golden/performance.json' with { type: 'json' };
import { expectRelative } from '../tolerance.ts';

const curveOf = (waitsMs: readonly number[], arrived: readonly number[]) =>
  estimateLagCurve(Object.freeze({ waitsMs: Object.freeze(waitsMs), arrived: Object.freeze(arrived) }));

describe('estimateLagCurve()', () => {
  test.each(golden.lags)('agrees with statsmodels: $name', (one) => {
    const curve = curveOf(one.waits, one.arrived);
    expect(curve.lagsMs).toEqual(one.lags);
    expect(curve.labels).toBe(one.arrived.filter((each) => each === 1).length);
    one.shares.forEach((share, step) => {
      expectRelative(curve.shares[step] as number, share, 1e-10);
      expectRelative(curve.standardErrors[step] as number, one.errors[step] ?? 0, 1e-10);
      expect(shareArrived(curve, curve.lagsMs[step] as number)).toBe(curve.shares[step]);
      const [bounds, wanted] = [boundShareArrived(curve, curve.lagsMs[step] as number, 0.95), one.bounds[step]];
      if (wanted === null || wanted === undefined) expect(bounds).toBeNull();
      else
        [bounds?.lower, bounds?.upper].forEach((found, side) => expectRelative(found as number, wanted[side] as number, 1e-10));
    });
    for (const [share, lag] of Object.entries(one.quantiles)) expect(lagOfShare(curve, Number(share))).toBe(lag);
  });

  test('without a prediction waiting it is the share of lags', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 30 }), { minLength: 1, maxLength: 80 }), (waits) => {
        const curve = curveOf(
          waits,
          waits.map(() => 1),
        );
        for (const lag of [0, 3, 17, 30]) {
          expectRelative(shareArrived(curve, lag), waits.filter((wait) => wait <= lag).length / waits.length, 1e-12, 1e-12);
        }
      }),
    );
  });

  test('finds the true lags behind waits that were cut, where the share of labels seen does not', () => {
    const random = createRandom(31);
    const rows = Array.from({ length: 5000 }, () => ({ lag: -100 * Math.log(1 - random()), age: 200 * random() }));
    const curve = curveOf(
      rows.map(({ lag, age }) => Math.min(lag, age)),
      rows.map(({ lag, age }) => (lag <= age ? 1 : 0)),
    );
    const naive = rows.filter(({ lag, age }) => lag <= age && lag <= 150).length / rows.length;
    const truth = 1 - Math.exp(-1.5);
    expect(Math.abs(shareArrived(curve, 150) - truth)).toBeLessThan(0.02);
    expect(Math.abs(naive - truth)).toBeGreaterThan(0.2);
    const bounds = boundShareArrived(curve, 150, 0.999);
    expect(bounds?.lower).toBeLessThan(truth);
    expect(bounds?.upper).toBeGreaterThan(truth);
  });

  test('no labels, no predictions, and all at once', () => {
    const none = curveOf([4, 9], [0, 0]);
    expect(none).toMatchObject({ predictions: 2, labels: 0, lagsMs: [] });
    expect(shareArrived(none, 1e9)).toBe(0);
    expect(lagOfShare(none, 0.5)).toBeNull();
    expect(boundShareArrived(none, 9, 0.95)).toBeNull();
    expect(curveOf([], [])).toEqual({ predictions: 0, labels: 0, lagsMs: [], shares: [], standardErrors: [] });
    const once = curveOf([7, 7], [1, 1]);
    expect([shareArrived(once, 6.9), shareArrived(once, 7)]).toEqual([0, 1]);
    expect(lagOfShare(once, 1)).toBe(7);
  });

  test('a share that the curve meets exactly is met, whatever the rounding', () => {
    // Of 24 labels, one a millisecond, the product of fractions is 0.4999999999999999 after twelve.
    const lags = Array.from({ length: 24 }, (_, place) => place + 1);
    const curve = curveOf(
      lags,
      lags.map(() => 1),
    );
    expect(shareArrived(curve, 12)).toBeLessThan(0.5);
    expect(lagOfShare(curve, 0.5)).toBe(12);
  });

  test('refuses waits that cannot be', () => {
    expect(() => curveOf([-1], [1])).toThrow('the wait of row 0 must be finite and >= 0: it is -1');
    expect(() => curveOf([Number.POSITIVE_INFINITY], [0])).toThrow(RangeError);
    expect(() => curveOf([Number.NaN], [0])).toThrow(RangeError);
    expect(() => curveOf([1, 2], [0])).toThrow('as many arrivals as waits, 2: there are 1');
    expect(() => lagOfShare(curveOf([1], [1]), 0)).toThrow('the share must be in (0, 1]: it is 0');
  });
});

describe('maturityOf()', () => {
  const window = { fromMs: 0, toMs: 100 };
  /** 95 % of labels within 10 ms. */
  const curve = curveOf(
    Array.from({ length: 20 }, (_, k) => (k < 19 ? 10 : 40)),
    new Array<number>(20).fill(1),
  );
  const unknown: LabelPolicy = { unlabelled: 'unknown', horizonMs: null };

  test('a window matures when its age exceeds the lag of 95 %', () => {
    expect(maturityOf(window, 110, curve, unknown)).toMatchObject({ kind: 'provisional', ageMs: 10, arrivedShare: 0.95 });
    expect(maturityOf(window, 111, curve, unknown)).toEqual({ kind: 'matured', ageMs: 11, afterMs: 10, by: 'lag' });
  });

  test('or at the horizon, where that is sooner', () => {
    const soon: LabelPolicy = { unlabelled: 'unknown', horizonMs: 5 };
    expect(maturityOf(window, 106, curve, soon)).toEqual({ kind: 'matured', ageMs: 6, afterMs: 5, by: 'horizon' });
    expect(maturityOf(window, 112, curve, { ...soon, horizonMs: 50 })).toMatchObject({ kind: 'matured', by: 'lag' });
  });

  test('where no label means negative, only the horizon counts', () => {
    const reported: LabelPolicy = { unlabelled: 'negative', horizonMs: 50 };
    expect(maturityOf(window, 149, curve, reported)).toMatchObject({ kind: 'provisional', afterMs: 50 });
    expect(maturityOf(window, 151, curve, reported)).toMatchObject({ kind: 'matured', by: 'horizon' });
  });

  test('without labels and without a horizon nothing ever matures', () => {
    const silent = curveOf([5], [0]);
    expect(maturityOf(window, 1e12, silent, unknown)).toEqual({
      kind: 'provisional',
      ageMs: 1e12 - 100,
      afterMs: null,
      arrivedShare: 0,
    });
  });

  test('an open window is provisional, with nothing arrived', () => {
    expect(maturityOf(window, 60, curve, unknown)).toMatchObject({ kind: 'provisional', ageMs: -40, arrivedShare: 0 });
  });

  test('maturedWindows() keeps those that may decide', () => {
    const windows = [0, 100, 200].map((fromMs) => ({ fromMs, toMs: fromMs + 100 }));
    expect(maturedWindows(windows, 215, curve, unknown)).toEqual(windows.slice(0, 2));
  });

  test('refuses a window without length and a horizon of nothing', () => {
    expect(() => maturityOf({ fromMs: 5, toMs: 5 }, 9, curve, unknown)).toThrow('must begin before it ends: 5 to 5');
    expect(() => maturityOf(window, 9, curve, { unlabelled: 'negative', horizonMs: 0 })).toThrow('the horizon must be > 0');
  });
});

describe('settleAt()', () => {
  test('gives every prediction a label at the horizon', () => {
    const settled = settleAt({ waitsMs: [3, 20, 20, 5], arrived: [1, 0, 1, 0] }, 10);
    expect(settled).toEqual({ waitsMs: Float64Array.of(3, 10, 10, 5), arrived: Uint8Array.of(1, 1, 1, 0) });
    expect(lagOfShare(estimateLagCurve(settled), 1)).toBe(10);
  });
});

describe('provisionalWeights()', () => {
  const curve = curveOf([5, 20, 20, 20], [1, 1, 1, 1]);

  test('a row stands for those of its age that still wait', () => {
    expect(provisionalWeights([5, 20, 99], curve)).toEqual(Uint32Array.of(4000, 1000, 1000));
  });

  test('no row stands for more than twenty', () => {
    expect(provisionalWeights([1], curve)).toEqual(Uint32Array.of(20_000));
  });

  test('mends the mixture of ages of early labels', () => {
    const random = createRandom(33);
    // Young rows are wrong more often, and fewer of them have labels.
    const rows = Array.from({ length: 20_000 }, () => {
      const ageMs = 300 * random();
      return { ageMs, wrong: random() < (ageMs < 100 ? 0.5 : 0.1) ? 1 : 0, lag: -100 * Math.log(1 - random()) };
    });
    const labelled = rows.filter((row) => row.lag <= row.ageMs);
    const curve = curveOf(
      rows.map(({ lag, ageMs }) => Math.min(lag, ageMs)),
      rows.map(({ lag, ageMs }) => (lag <= ageMs ? 1 : 0)),
    );
    const weights = provisionalWeights(
      labelled.map((row) => row.ageMs),
      curve,
    );
    const mean = (weightOf: (place: number) => number) =>
      labelled.reduce((sum, row, place) => sum + weightOf(place) * row.wrong, 0) /
      labelled.reduce((sum, _, place) => sum + weightOf(place), 0);
    const truth = rows.reduce((sum, row) => sum + row.wrong, 0) / rows.length;
    expect(Math.abs(mean(() => 1) - truth)).toBeGreaterThan(0.03);
    expect(Math.abs(mean((place) => weights[place] as number) - truth)).toBeLessThan(0.015);
  });
});
