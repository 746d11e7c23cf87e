import { describe, expect, test } from 'vitest';
import { persistenceProbability } from '#domain/stats/multiple/persistence.ts';
import golden from '../../../golden/multiple.json' with { type: 'json' };
import vectors from '../../../golden/vectors.json' with { type: 'json' };
import { expectRelative } from '../tolerance.ts';

describe('persistenceProbability()', () => {
  test.each(Object.entries(vectors.persistence['2of3']))('agrees with the vector for 2 of 3 at %s', (perWindow, wanted) =>
    expectRelative(persistenceProbability({ needed: 2, windows: 3, perWindow: Number(perWindow) }), wanted, 1e-9),
  );

  test.each(golden.persistence)('agrees with SciPy for $needed of $windows at $perWindow', ({ probability, ...rule }) =>
    expectRelative(persistenceProbability(Object.freeze(rule)), probability, 1e-10, 1e-300),
  );

  test('refuses what cannot be counted', () => {
    expect(() => persistenceProbability({ needed: 0, windows: 3, perWindow: 0.1 })).toThrow(RangeError);
    expect(() => persistenceProbability({ needed: 4, windows: 3, perWindow: 0.1 })).toThrow(/must be whole: 4 of 3/);
    expect(() => persistenceProbability({ needed: 1.5, windows: 3, perWindow: 0.1 })).toThrow(RangeError);
    expect(() => persistenceProbability({ needed: 2, windows: 3, perWindow: 1.1 })).toThrow(/in \[0, 1\]: it is 1.1/);
    expect(() => persistenceProbability({ needed: 2, windows: 3, perWindow: Number.NaN })).toThrow(RangeError);
  });
});
