import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { binomialLowerTail, binomialProbability } from '#domain/stats/special/binomial.ts';
import { chiSquareUpperTail } from '#domain/stats/special/incomplete-gamma.ts';
import { expectRelative } from '../domain/stats/tolerance.ts';
import { exactBounds, judge } from './judge.ts';
import { pageOf } from './report.ts';
import * as samplers from './samplers.ts';
import { chance, countOf } from './scenario.ts';

const draws = 20_000;
const sample = (name: string, draw: (random: () => number) => number, count = draws): number[] => {
  const random = chance(`samplers: ${name}`);
  return Array.from({ length: count }, () => draw(random));
};
const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

/** The sample mean lies within 4.5 standard errors of what it must be, and the variance within 6 %. */
const expectMoments = (values: readonly number[], wantedMean: number, wantedVariance: number): void => {
  expect(Math.abs(mean(values) - wantedMean)).toBeLessThan(4.5 * Math.sqrt(wantedVariance / values.length));
  const found = mean(values);
  const variance = mean(values.map((value) => (value - found) ** 2));
  expect(Math.abs(variance / wantedVariance - 1)).toBeLessThan(0.06);
};

describe('exact bounds', () => {
  test('are those of the vector clopper95_3of200', () => {
    const [lower, upper] = exactBounds(3, 200, 0.975);
    expectRelative(lower, 0.003104107622, 1e-9);
    expectRelative(upper, 0.04320828192, 1e-9);
  });

  test('leave the stated chance of seeing more, or less', () => {
    for (const [successes, trials] of [
      [1, 5],
      [40, 2000],
      [1999, 2000],
      [250, 500],
    ] as const) {
      const [lower, upper] = exactBounds(successes, trials);
      expectRelative(binomialLowerTail(successes, trials, upper), 0.01, 1e-9);
      expectRelative(1 - binomialLowerTail(successes - 1, trials, lower), 0.01, 1e-9);
    }
  });

  test('reach to the ends where nothing or everything happened', () => {
    expect(exactBounds(0, 300)[0]).toBe(0);
    expectRelative(exactBounds(0, 300)[1], 1 - 0.01 ** (1 / 300), 1e-9);
    expect(exactBounds(300, 300)[1]).toBe(1);
    expect(exactBounds(0, 0)).toEqual([0, 1]);
  });
});

describe('judging', () => {
  const finding = (successes: number, operator: '<=' | '>=' = '<=') =>
    ({ what: 'w', rule: 'ours', successes, trials: 1000, target: { operator, value: 0.05 } }) as const;

  test('a target is missed only where it is missed for certain', () => {
    expect(judge(finding(50)).judgement).toBe('met');
    expect(judge(finding(60)).judgement).toBe('within noise');
    expect(judge(finding(80)).judgement).toBe('missed');
    expect(judge(finding(50, '>=')).judgement).toBe('met');
    expect(judge(finding(40, '>=')).judgement).toBe('within noise');
    expect(judge(finding(20, '>=')).judgement).toBe('missed');
  });

  test('a measured figure is judged by its interval, or by itself', () => {
    const measured = { what: 'w', rule: 'ours', value: 161, unit: 'events', target: { operator: '<=', value: 160 } } as const;
    expect(judge(measured).judgement).toBe('missed');
    expect(judge({ ...measured, between: [155, 166] }).judgement).toBe('within noise');
    expect(judge({ ...measured, between: [160.5, 166] }).judgement).toBe('missed');
    expect(judge({ ...measured, target: null }).judgement).toBe('shown');
    expect(judge({ ...measured, value: Number.NaN, target: null }).judgement).toBe('missed');
  });

  test('what is no proportion is refused', () => {
    expect(() => judge({ ...finding(3), trials: 2 })).toThrow(RangeError);
    expect(() => judge({ ...finding(0), trials: 0 })).toThrow(RangeError);
  });
});

describe('the page', () => {
  const judged = [
    { what: 'rolled back', rule: 'ours', successes: 2, trials: 400, target: { operator: '<=', value: 0.01 } },
    { what: 'median', rule: 'ours', value: 141, unit: 'events', between: [137, 148], target: { operator: '<=', value: 160 } },
    { what: 'rolled back', rule: 'a | b', successes: 300, trials: 400, target: null },
  ] as const;
  const outcome = { topic: 'canary', name: 'equal arms', claim: 'Rarely.', seconds: 1, judged: judged.map(judge) };
  const page = pageOf([outcome], { seed: 1, date: '2026-01-05', node: 'v24.0.0', cores: 2, minutes: 3 });

  test('has the rules of one question beside each other, with bounds, counts and targets', () => {
    expect(
      page
        .split('\n')
        .filter((line) => line.startsWith('| '))
        .slice(1),
    ).toEqual([
      '| rolled back | ours | 0.5 % | 0.0372 % to 2.08 % | 2 of 400 | <= 1 % | met |',
      '| rolled back | a \\| b | 75 % | 69.6 % to 79.9 % | 300 of 400 |  | shown |',
      '| median | ours | 141 events | 137 events to 148 events |  | <= 160 events | met |',
    ]);
  });

  test('says how it came about, and how many targets were met', () => {
    expect(page).toContain('all repetitions, seed 1, 2026-01-05, Node v24.0.0, 3 minutes on 2 cores.');
    expect(page).toContain('2 targets met, 0 within noise, 0 missed; 1 figures shown without a target.');
  });
});

describe('chance', () => {
  test('is the same for the same name and another for another', () => {
    expect(chance('a')()).toBe(chance('a')());
    fc.assert(fc.property(fc.string(), fc.string(), (one, two) => one === two || chance(one)() !== chance(two)()));
  });

  test('gives every repetition numbers of its own', () => {
    const seen = new Set<number>();
    expect(countOf('repetitions', 5000, (random) => seen.add(random()).size > 0)).toBe(5000);
    expect(seen.size).toBeGreaterThan(4995);
    expectMoments([...seen], 0.5, 1 / 12);
  });
});

describe('samplers', () => {
  test('normal', () => {
    const values = sample('normal', (random) => samplers.normal(random, 2, 3));
    expectMoments(values, 2, 9);
    expect(Math.abs(mean(values.map((value) => Number(value > 2 + 1.959964 * 3))) - 0.025)).toBeLessThan(0.005);
  });

  test('exponential and gamma', () => {
    expectMoments(
      sample('exponential', (random) => samplers.exponential(random, 3)),
      3,
      9,
    );
    for (const shape of [0.3, 1, 7.5]) {
      expectMoments(
        sample(`gamma ${shape}`, (random) => samplers.gamma(random, shape, 2)),
        2 * shape,
        4 * shape,
      );
    }
  });

  test('beta', () => {
    expectMoments(
      sample('beta', (random) => samplers.beta(random, 2, 5)),
      2 / 7,
      10 / (49 * 8),
    );
  });

  test.each([
    [5, 0.3],
    [16, 0.9],
    [17, 0.5],
    [1000, 0.02],
    [1_000_000, 0.4],
    [40, 0],
    [40, 1],
  ])('binomial of %d at %d', (trials, share) => {
    const values = sample(`binomial ${trials} ${share}`, (random) => samplers.binomial(random, trials, share));
    if (share === 0 || share === 1) expect(new Set(values)).toEqual(new Set([trials * share]));
    else expectMoments(values, trials * share, trials * share * (1 - share));
  });

  test('binomial has the right probabilities, not only the right moments', () => {
    const observed = new Float64Array(31);
    for (const value of sample('binomial cells', (random) => samplers.binomial(random, 30, 0.4)))
      observed[value] = (observed[value] ?? 0) + 1;
    expect(chiSquareAgainst(observed, (count) => binomialProbability(count, 30, 0.4))).toBeGreaterThan(1e-4);
  });

  test.each([0, 0.7, 11, 13, 400])('poisson of mean %d', (wanted) => {
    const values = sample(`poisson ${wanted}`, (random) => samplers.poisson(random, wanted));
    if (wanted === 0) expect(Math.max(...values)).toBe(0);
    else expectMoments(values, wanted, wanted);
  });

  test('poisson has the right probabilities above the jump', () => {
    const observed = new Float64Array(60);
    for (const value of sample('poisson cells', (random) => samplers.poisson(random, 20)))
      observed[value] = (observed[value] ?? 0) + 1;
    const probability = (count: number) => {
      let value = Math.exp(-20);
      for (let factor = 1; factor <= count; factor += 1) value *= 20 / factor;
      return value;
    };
    expect(chiSquareAgainst(observed, probability)).toBeGreaterThan(1e-4);
  });

  test('multinomial keeps the total, and each cell its share', () => {
    const shares = [0.5, 0, 0.2, 0.3];
    const random = chance('samplers: multinomial');
    const counts = Array.from({ length: 4000 }, () => samplers.multinomial(random, 50, shares));
    for (const one of counts) expect(one.reduce((sum, count) => sum + count, 0)).toBe(50);
    for (const [cell, share] of shares.entries()) {
      if (share === 0) expect(counts.every((one) => one[cell] === 0)).toBe(true);
      else
        expectMoments(
          counts.map((one) => one[cell] as number),
          50 * share,
          50 * share * (1 - share),
        );
    }
  });

  test('an autoregressive series has variance 1 and the correlation of neighbours', () => {
    const random = chance('samplers: autoregressive');
    const series = samplers.autoregressive(random, 60_000, 0.6);
    const products = [...series].slice(1).map((value, index) => value * (series[index] as number));
    expect(Math.abs(mean(products) - 0.6)).toBeLessThan(0.04);
    expect(Math.abs(mean([...series].map((value) => value * value)) - 1)).toBeLessThan(0.04);
    const first = Array.from({ length: 8000 }, () => samplers.autoregressive(random, 1, 0.9)[0] as number);
    expectMoments(first, 0, 1);
  });

  test('clustered rows have the design effect 1 + (rows - 1) * correlation', () => {
    const random = chance('samplers: clustered');
    const means = Array.from({ length: 6000 }, () => mean([...samplers.clustered(random, 10, 20, 0.3)]));
    expectMoments(means, 0, (1 + 19 * 0.3) / 200);
  });
});

/** Pearson's test of counts against probabilities; cells that expect less than five are pooled. */
const chiSquareAgainst = (observed: Float64Array, probability: (count: number) => number): number => {
  const total = observed.reduce((sum, count) => sum + count, 0);
  let [statistic, cells, restSeen, restWanted] = [0, 0, total, total];
  for (const [count, seen] of observed.entries()) {
    const wanted = total * probability(count);
    if (wanted < 5) continue;
    statistic += (seen - wanted) ** 2 / wanted;
    cells += 1;
    restSeen -= seen;
    restWanted -= wanted;
  }
  statistic += (restSeen - restWanted) ** 2 / restWanted;
  return chiSquareUpperTail(statistic, cells);
};
