import { describe, expect, test } from 'vitest';
import { binomialLowerTail } from '#domain/stats/special/binomial.ts';
import { clopperPearson } from '#domain/stats/two-sample/clopper-pearson.ts';
import golden from '../../../golden/two-sample.json' with { type: 'json' };
import vectors from '../../../golden/vectors.json' with { type: 'json' };
import { expectRelative } from '../tolerance.ts';

describe('clopperPearson()', () => {
  test('agrees with the vector', () => {
    const found = clopperPearson(Object.freeze({ count: 3, rows: 200 }), 0.95);
    expectRelative(found?.lower as number, vectors.props.clopper95_3of200[0] as number, 1e-9);
    expectRelative(found?.upper as number, vectors.props.clopper95_3of200[1] as number, 1e-9);
  });

  test.each(golden.proportions)(
    'agrees with statsmodels: $count of $rows at $confidence',
    ({ count, rows, confidence, exact }) => {
      const found = clopperPearson({ count, rows }, confidence);
      expectRelative(found?.lower as number, exact[0] as number, 1e-9);
      expectRelative(found?.upper as number, exact[1] as number, 1e-9);
    },
  );

  test('covers every proportion at least as often as it says', () => {
    const limits = Array.from({ length: 31 }, (_, count) => clopperPearson({ count, rows: 30 }, 0.9));
    const probability = (count: number, p: number) =>
      binomialLowerTail(count, 30, p) - (count === 0 ? 0 : binomialLowerTail(count - 1, 30, p));
    for (let p = 0.01; p < 1; p += 0.01) {
      const covered = limits.reduce(
        (sum, one, count) => sum + (one !== null && one.lower <= p && p <= one.upper ? probability(count, p) : 0),
        0,
      );
      expect(covered).toBeGreaterThanOrEqual(0.9 - 1e-12);
    }
  });

  test('none and all reach the ends; no rows are no answer; what is no share is refused', () => {
    expect(clopperPearson({ count: 0, rows: 10 }, 0.95)).toMatchObject({ estimate: 0, lower: 0 });
    expect(clopperPearson({ count: 10, rows: 10 }, 0.95)).toMatchObject({ estimate: 1, upper: 1 });
    expect(clopperPearson({ count: 0, rows: 0 }, 0.95)).toBeNull();
    expect(() => clopperPearson({ count: 3, rows: 2 }, 0.95)).toThrow(/0 <= count <= rows must hold/);
    expect(() => clopperPearson({ count: 1, rows: 2 }, 1)).toThrow(/confidence must be in \(0, 1\): it is 1/);
  });
});
