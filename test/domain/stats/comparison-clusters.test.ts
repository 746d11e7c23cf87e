import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bootstrap } from '#domain/stats/comparison/bootstrap.ts';
import { compareRocAucOfClusters } from '#domain/stats/comparison/clustered-auc.ts';
import { clusteredMean } from '#domain/stats/comparison/clustered-mean.ts';
import { type Clusters, effectiveClusters, takeClusters, tooFewClusters } from '#domain/stats/comparison/clusters.ts';
import { compareRocAuc } from '#domain/stats/comparison/delong.ts';
import { jackknife } from '#domain/stats/comparison/jackknife.ts';
import { metricTable } from '#domain/stats/metrics/metrics.ts';
import type { Scored } from '#domain/stats/metrics/scored.ts';
import { createRandom } from '#domain/stats/random.ts';
import golden from '../../golden/gate.json' with { type: 'json' };
import vectors from '../../golden/vectors.json' with { type: 'json' };
import { expectRelative } from './tolerance.ts';

const clustersOf = (ids: readonly number[], count = Math.max(-1, ...ids) + 1): Clusters =>
  Object.freeze({ by: 'day', ids: Uint32Array.from(ids), count });
const each = (rows: number): Clusters => clustersOf(Array.from({ length: rows }, (_, row) => row));

describe('effectiveClusters()', () => {
  test('equal clusters are worth their number', () => {
    expect(effectiveClusters(clustersOf([0, 1, 2, 0, 1, 2]))).toBe(3);
    expect(effectiveClusters(each(50))).toBe(50);
  });

  test('a day of one minute is worth nearly nothing', () => {
    const ids = Array.from({ length: 7001 }, (_, row) => Math.floor(row / 1000));
    expect(effectiveClusters(clustersOf(ids))).toBeCloseTo(7, 4);
  });

  test('no rows are worth nothing, one cluster one', () => {
    expect(effectiveClusters(clustersOf([], 0))).toBe(0);
    expect(effectiveClusters(clustersOf([0, 0, 0]))).toBe(1);
  });

  test.each(golden.clusteredMeans)('agrees with the definition', ({ ids, count, worth }) => {
    expectRelative(effectiveClusters(clustersOf(ids, count)), worth, 1e-12);
  });
});

describe('tooFewClusters()', () => {
  test('asks for five, and that no one of them is nearly all', () => {
    expect(tooFewClusters(each(5))).toBeNull();
    expect(tooFewClusters(each(4))).toBe('clusters by day 4 >= 5 does not hold');
    const oneLarge = clustersOf([0, 1, 2, 3, ...new Array<number>(96).fill(4)]);
    expect(tooFewClusters(oneLarge)).toBe('the 5 clusters by day are worth 1.0 of equal size: 1.0 >= 3 does not hold');
  });
});

test('takeClusters() numbers what is left anew and keeps who belongs together', () => {
  const taken = takeClusters(clustersOf([5, 2, 2, 0, 5]), Uint32Array.of(1, 3, 2));
  expect(taken).toEqual({ by: 'day', ids: Uint32Array.of(0, 1, 0), count: 2 });
});

describe('clusteredMean()', () => {
  test.each(golden.clusteredMeans)('agrees with statsmodels', ({ values, ids, count, estimate, standardError }) => {
    const found = clusteredMean(Object.freeze(values), clustersOf(ids, count));
    expectRelative(found.estimate, estimate, 1e-12, 1e-15);
    expectRelative(found.standardError, standardError, 1e-9, 1e-12);
  });

  test('rows of their own give the usual error of a mean', () => {
    const values = [1, 4, 4, 7];
    expectRelative(clusteredMean(values, each(4)).standardError, Math.sqrt(6 / 4), 1e-12);
  });

  test('repeating each row inside its cluster changes nothing', () => {
    const once = clusteredMean([0.1, 0.5, 0.2], each(3));
    const often = clusteredMean([0.1, 0.1, 0.1, 0.5, 0.5, 0.5, 0.2, 0.2, 0.2], clustersOf([0, 0, 0, 1, 1, 1, 2, 2, 2]));
    expectRelative(often.standardError, once.standardError, 1e-12);
  });

  test('one cluster says nothing about its spread', () => {
    expect(() => clusteredMean([1, 2], clustersOf([0, 0]))).toThrow(RangeError);
  });
});

describe('compareRocAucOfClusters()', () => {
  test.each(golden.clusteredAreas)('agrees with all pairs', ({ labels, champion, challenger, ids, count, expected }) => {
    const found = compareRocAucOfClusters(labels, champion, challenger, clustersOf(ids, count));
    expectRelative(found?.championAuc as number, expected.champion, 1e-12);
    expectRelative(found?.challengerAuc as number, expected.challenger, 1e-12);
    expectRelative(found?.standardError as number, expected.standardError, 1e-9, 1e-9);
  });

  test('is DeLong where each row is a cluster', () => {
    const { y, champion, challenger } = vectors.delong;
    const rows = compareRocAuc(y, champion, challenger);
    const found = compareRocAucOfClusters(y, champion, challenger, each(y.length));
    expect(found?.estimate).toBe(rows?.difference);
    expectRelative(found?.standardError as number, rows?.standardError as number, 1e-12);
  });

  test('the same rows ten times over are no more evidence', () => {
    const { y, champion, challenger } = vectors.delong;
    const tenTimes = <T>(values: readonly T[]): T[] => Array.from({ length: 10 }, () => values).flat();
    const ids = tenTimes(y.map((_, row) => row));
    const once = compareRocAucOfClusters(y, champion, challenger, each(y.length));
    const often = compareRocAucOfClusters(tenTimes(y), tenTimes(champion), tenTimes(challenger), clustersOf(ids));
    expectRelative(often?.standardError as number, once?.standardError as number, 1e-9);
  });

  test('equal rankings differ by nothing; a class in one cluster, or in none, is no answer', () => {
    expect(compareRocAucOfClusters([0, 1, 0, 1], [1, 2, 3, 4], [1, 4, 9, 16], clustersOf([0, 0, 1, 1]))).toMatchObject({
      estimate: 0,
      standardError: 0,
    });
    expect(compareRocAucOfClusters([1, 1, 0, 0], [1, 2, 3, 4], [4, 3, 2, 1], clustersOf([0, 0, 0, 1]))).toBeNull();
    expect(compareRocAucOfClusters([1, 1], [1, 2], [1, 2], clustersOf([0, 1]))).toBeNull();
    expect(compareRocAucOfClusters([], [], [], clustersOf([], 0))).toBeNull();
  });
});

describe('jackknife()', () => {
  test.each(golden.jackknives)('agrees with leaving out by hand: $metric', (one) => {
    const { better, prepare } = metricTable[one.metric as 'f1' | 'brier'];
    const model = (answers: number[]) => prepare({ task: 'binary', classes: 2, labels: one.labels, answers } satisfies Scored);
    const [fresh, old] = [model(one.candidate), model(one.champion)];
    const sign = better === 'higher' ? 1 : -1;
    const found = jackknife(clustersOf(one.ids, one.count), (w) => sign * ((fresh(w) as number) - (old(w) as number)));
    expectRelative(found?.estimate as number, one.estimate, 1e-10, 1e-14);
    expectRelative(found?.standardError as number, one.standardError, 1e-9);
  });

  test('of a mean is the clustered mean, but for the correction of equal clusters', () => {
    const values = [3, 1, 4, 1, 5, 9];
    const mean = (weights: Uint32Array) => {
      const total = weights.reduce((sum, weight) => sum + weight, 0);
      return weights.reduce((sum, weight, row) => sum + weight * (values[row] as number), 0) / total;
    };
    const pairs = clustersOf([0, 0, 1, 1, 2, 2]);
    expectRelative(jackknife(pairs, mean)?.standardError as number, clusteredMean(values, pairs).standardError, 1e-12);
  });

  test('what does not exist without a cluster has no error', () => {
    expect(jackknife(clustersOf([0, 1]), (weights) => (weights[0] === 0 ? null : 1))).toBeNull();
    expect(jackknife(clustersOf([0, 0]), () => 1)).toBeNull();
    expect(jackknife(clustersOf([], 0), () => 1)).toBeNull();
  });
});

describe('bootstrap() of clusters', () => {
  test('draws whole clusters', () => {
    const clusters = clustersOf([0, 0, 0, 1, 1, 2]);
    const seen: number[][] = [];
    bootstrap({ rows: 6, clusters, resamples: 50, seed: 3, statistic: (counts) => seen.push([...counts]) });
    for (const counts of seen) {
      expect(counts[0] === counts[1] && counts[1] === counts[2] && counts[3] === counts[4]).toBe(true);
      expect((counts[0] as number) + (counts[3] as number) + (counts[5] as number)).toBe(3);
    }
  });

  test('clusters of one row are rows', () => {
    const random = createRandom(5);
    const values = Array.from({ length: 40 }, () => random());
    const statistic = (counts: Uint32Array) => counts.reduce((sum, count, row) => sum + count * (values[row] as number), 0);
    const plan = { rows: 40, resamples: 200, seed: 9, statistic };
    expect(bootstrap({ ...plan, clusters: each(40) })).toEqual(bootstrap(plan));
  });
});

describe('for any rows in clusters', () => {
  const rows = fc.array(fc.record({ id: fc.nat(4), label: fc.nat(1), champion: fc.nat(9), challenger: fc.nat(9) }), {
    minLength: 8,
    maxLength: 40,
  });
  type Rows = readonly { id: number; label: number; champion: number; challenger: number }[];
  const compare = (all: Rows, exchanged = false) => {
    const [champion, challenger] = [all.map((row) => row.champion), all.map((row) => row.challenger)];
    const labels = all.map(({ label }) => label);
    const clusters = clustersOf(all.map(({ id }) => id));
    return exchanged
      ? compareRocAucOfClusters(labels, challenger, champion, clusters)
      : compareRocAucOfClusters(labels, champion, challenger, clusters);
  };

  test('their order and the names of the clusters change nothing', () => {
    fc.assert(
      fc.property(rows, (all) => {
        const there = compare(all);
        const back = compare([...all].reverse().map((row) => ({ ...row, id: 4 - row.id })));
        expect(back === null).toBe(there === null);
        if (there === null || back === null) return;
        expect(back.estimate).toBeCloseTo(there.estimate, 12);
        // A cluster number that no row has would change a factor: it is the caller's to leave none out.
        if (new Set(all.map(({ id }) => id)).size < 5) return;
        expect(back.standardError).toBeCloseTo(there.standardError, 7);
      }),
    );
  });

  test('exchanging the models turns the sign only; nothing is ever NaN', () => {
    fc.assert(
      fc.property(rows, (all) => {
        const [there, back] = [compare(all), compare(all, true)];
        if (there === null || back === null) return;
        expect(there.estimate + back.estimate).toBeCloseTo(0, 12);
        expect(back.standardError).toBeCloseTo(there.standardError, 7);
        expect(Number.isFinite(there.standardError)).toBe(true);
      }),
    );
  });
});
