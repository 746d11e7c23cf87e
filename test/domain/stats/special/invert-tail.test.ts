import { describe, expect, test } from 'vitest';
import { invertTail, type TailAt } from '#domain/stats/special/invert-tail.ts';
import { expectRelative } from '../tolerance.ts';

/** Counts how often the tail was asked for, which is what an inversion costs. */
const counted = (tailAt: TailAt) => {
  let calls = 0;
  return { calls: () => calls, tailAt: (place: number) => (calls++, tailAt(place)) };
};
const falling: TailAt = (place) => ({ tail: Math.exp(-place), slope: -Math.exp(-place) });
const rising: TailAt = (place) => ({ tail: 1 / (1 + Math.exp(-place)), slope: 1 / (2 + Math.exp(-place) + Math.exp(place)) });

describe('invertTail()', () => {
  test('finds the place in few steps, however far out', () => {
    for (const probability of [0.3, 1e-9, 1e-300]) {
      const down = counted(falling);
      const place = invertTail({ tailAt: down.tailAt, probability, start: 1, low: 0, high: 745 });
      expectRelative(place, -Math.log(probability), 1e-15);
      const up = counted(rising);
      const mirrored = invertTail({ tailAt: up.tailAt, probability, start: 0, low: -745, high: 745 });
      expectRelative(mirrored, Math.log(probability) - Math.log1p(-probability), 1e-15);
      expect(Math.max(down.calls(), up.calls())).toBeLessThan(20);
    }
  });

  test('bisects where Newton would leave the bracket or knows no slope', () => {
    const flat: TailAt = (place) => ({ ...falling(place), slope: 0 });
    expectRelative(invertTail({ tailAt: flat, probability: 0.25, start: 9, low: 0, high: 745 }), Math.log(4), 1e-14);
    const bent: TailAt = (place) => ({ ...falling(place), slope: 1e-3 * falling(place).slope });
    expectRelative(invertTail({ tailAt: bent, probability: 0.25, start: 9, low: 0, high: 745 }), Math.log(4), 1e-14);
  });

  test('answers with an end where the place lies beyond it', () => {
    expect(invertTail({ tailAt: falling, probability: 0.5, start: 2, low: 1, high: 3 })).toBe(1);
    expect(invertTail({ tailAt: falling, probability: 0.01, start: 2, low: 1, high: 3 })).toBe(3);
    expect(invertTail({ tailAt: rising, probability: 0.01, start: 2, low: 1, high: 3 })).toBe(1);
    expect(invertTail({ tailAt: rising, probability: 0.99, start: 2, low: 1, high: 3 })).toBe(3);
  });
});
