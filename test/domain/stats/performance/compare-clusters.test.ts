import { describe, expect, test } from 'vitest';
import { evidenceSchema } from '#domain/contracts/evidence.ts';
import type { MetricName } from '#domain/contracts/pipeline-spec/training.ts';
import { type ReferencePerformance, referencePerformanceSchema } from '#domain/contracts/reference-profile.ts';
import { decidePerformance } from '#domain/decide/performance/performance-breach.ts';
import { compareRocAucOfClusters, rocAucErrorOfClusters } from '#domain/stats/comparison/clustered-auc.ts';
import { clusteredMean } from '#domain/stats/comparison/clustered-mean.ts';
import type { Clusters } from '#domain/stats/comparison/clusters.ts';
import { measure } from '#domain/stats/metrics/metrics.ts';
import { lossesOfRows } from '#domain/stats/metrics/row-losses.ts';
import type { Scored } from '#domain/stats/metrics/scored.ts';
import { clusteredError, clusterSpread } from '#domain/stats/performance/cluster-metrics.ts';
import { compareWindow, performanceEvidenceId, togetherEvidenceId } from '#domain/stats/performance/compare-window.ts';
import { measureReference } from '#domain/stats/performance/reference-performance.ts';
import { createRandom } from '#domain/stats/random.ts';
import { studentUpperQuantile } from '#domain/stats/special/student-t.ts';
import { finish } from '#domain/stats/steps.ts';
import type { Instant } from '#domain/units.ts';
import { expectRelative } from '../tolerance.ts';

/** Days of 300 rows each; on the n-th a share of the labels has nothing to do with the score. */
const daysOf = (shares: readonly number[], seed: number): { readonly scored: Scored; readonly clusters: Clusters } => {
  const random = createRandom(seed);
  const rows = shares.flatMap((share, id) =>
    Array.from({ length: 300 }, () => {
      const answer = random();
      return { id, answer, label: random() < (random() < share ? 0.5 : answer) ? 1 : 0 };
    }),
  );
  return {
    scored: { task: 'binary', classes: 2, labels: rows.map(({ label }) => label), answers: rows.map(({ answer }) => answer) },
    clusters: { by: 'day', ids: Uint32Array.from(rows, ({ id }) => id), count: shares.length },
  };
};

const quiet = [0, 0, 0, 0, 0, 0, 0];
const restless = [0.1, 0.5, 0.3, 0.2, 0.6, 0, 0.4];

const referenceOf = (shares: readonly number[], seed = 1): ReferencePerformance => {
  const { scored, clusters } = daysOf(shares, seed);
  return referencePerformanceSchema.parse(finish(measureReference(scored, 1, { unit: 'day', clusters })));
};

type Days = ReturnType<typeof daysOf>;
const compare = (metric: MetricName, { scored, clusters }: Days, reference: ReferencePerformance, isClustered = true) => {
  const question = { metric, window: scored, reference, clusters: isClustered ? clusters : null, confidence: 0.95, seed: 7 };
  return evidenceSchema.parse(finish(compareWindow(question)));
};
const interval = (...asked: Parameters<typeof compare>) => {
  const found = compare(...asked);
  if (found.kind !== 'interval') expect.fail(JSON.stringify(found));
  return found;
};

describe('a window of one day', () => {
  test('has lost nothing where the days of the reference differ as much, though its rows alone would say so', () => {
    const reference = referenceOf(restless);
    const bad = daysOf([0.6], 2);
    expect(interval('roc_auc', bad, reference, false).upper).toBeLessThan(0);
    const found = interval('roc_auc', bad, reference);
    expect(found.upper).toBeGreaterThan(0);
    expect(found).toMatchObject({ method: 'cluster by cluster, by day', clusters: { by: 'day', count: 1, reference: 7 } });
  });

  test('has lost where the days of the reference are alike', () => {
    const reference = referenceOf(quiet);
    expect(interval('roc_auc', daysOf([0.7], 2), reference).upper).toBeLessThan(-0.03);
    expect(interval('roc_auc', daysOf([0], 2), reference).upper).toBeGreaterThan(0);
  });

  test('reaches as far as Student says of a new day after so many', () => {
    const reference = referenceOf(restless);
    const day = daysOf([0.3], 3);
    const known = reference.clusters?.each['brier'];
    if (known === undefined) expect.fail('the reference knows its days');
    const found = interval('brier', day, reference);
    const own = clusteredMean(lossesOfRows('brier', day.scored), {
      by: 'row',
      ids: Uint32Array.from(day.scored.labels, (_, row) => row),
      count: 300,
    });
    const error = Math.sqrt(known.between ** 2 + own.standardError ** 2 + known.meanError ** 2);
    expectRelative(found.standardError, error, 1e-9);
    expectRelative(found.estimate, known.mean - (measure('brier', day.scored) as number), 1e-9);
    expectRelative(found.upper - found.estimate, studentUpperQuantile(0.05, 6) * error, 1e-9);
  });

  test('says with its numbers why it cannot be compared', () => {
    const day = daysOf([0], 2);
    const few = compare('roc_auc', day, referenceOf([0, 0, 0]));
    expect(few).toMatchObject({
      kind: 'insufficient',
      reason: 'clusters by day 1 >= 5 does not hold, and clusters by day of the reference with a roc_auc 3 >= 5 does not hold',
    });
    const { clusters: _, ...old } = referenceOf(quiet);
    expect(compare('roc_auc', day, old)).toMatchObject({
      reason: 'clusters by day 1 >= 5 does not hold, and the reference does not say how clusters by day differ',
    });
  });
});

describe('a window of many days', () => {
  const metrics = ['roc_auc', 'accuracy', 'precision', 'recall', 'brier', 'log_loss', 'f1', 'pr_auc'] as const;

  test.each(metrics)('has wider bounds than its rows, for %s', (metric) => {
    const [reference, week] = [referenceOf(restless), daysOf(restless, 9)];
    const [byRows, byDays] = [interval(metric, week, reference, false), interval(metric, week, reference)];
    expect(byDays.upper - byDays.lower).toBeGreaterThan(1.1 * (byRows.upper - byRows.lower));
    expectRelative(
      byDays.estimate,
      byRows.estimate,
      metric === 'precision' || metric === 'recall' || metric === 'accuracy' ? 1e-3 : 1e-12,
    );
    expect(byDays.clusters).toEqual({ by: 'day', count: 7, reference: 7 });
  });

  test.each(metrics)('is never surer than its rows where days are alike, for %s', (metric) => {
    const [reference, week] = [referenceOf(quiet), daysOf(quiet, 9)];
    const [byRows, byDays] = [interval(metric, week, reference, false), interval(metric, week, reference)];
    expect(byDays.upper - byDays.lower).toBeGreaterThan(byRows.upper - byRows.lower);
    expect(byDays.upper - byDays.lower).toBeLessThan(2 * (byRows.upper - byRows.lower));
  });

  test('finds a loss that lasts', () => {
    expect(interval('roc_auc', daysOf([0.6, 0.8, 0.7, 0.6, 0.9, 0.7, 0.8], 9), referenceOf(restless)).upper).toBeLessThan(-0.03);
  });

  test('is not compared with a reference of three days', () => {
    expect(compare('roc_auc', daysOf(quiet, 9), referenceOf([0, 0, 0]))).toMatchObject({
      reason: 'clusters by day of the reference 3 >= 5 does not hold',
    });
  });
});

describe('the parts', () => {
  test('rocAucErrorOfClusters() is that of a comparison with a champion that ranks nothing', () => {
    const { scored, clusters } = daysOf(restless, 4);
    const even = new Array<number>(scored.labels.length).fill(0.5);
    const compared = compareRocAucOfClusters(scored.labels, even, scored.answers, clusters);
    expectRelative(
      rocAucErrorOfClusters(scored.labels, scored.answers, clusters) as number,
      compared?.standardError as number,
      1e-12,
    );
  });

  test('clusteredError() by the jackknife is that of the mean', () => {
    const { scored, clusters } = daysOf(restless, 4);
    const recall = finish(clusteredError('recall', scored, clusters, 1)) as number;
    expect(recall).toBeGreaterThan(0.01);
    expect(finish(clusteredError('recall', scored, { ...clusters, ids: clusters.ids.map(() => 0), count: 1 }, 1))).toBeNull();
  });

  test('clusterSpread() takes away what the rows explain', () => {
    const found = [1, 2, 3, 4, 5].map((value) => ({ value, variance: 0.5 }));
    const spread = clusterSpread(found);
    expectRelative(spread?.between as number, Math.sqrt(2), 1e-12);
    expectRelative(spread?.meanError as number, Math.sqrt(2.5 / 5), 1e-12);
    expect(spread).toMatchObject({ clusters: 5, mean: 3 });
    expect(clusterSpread(found.map((one) => ({ ...one, variance: 9 })))).toMatchObject({
      between: 0,
      meanError: Math.sqrt(9 / 5),
    });
    expect(clusterSpread(found.slice(0, 1))).toBeNull();
  });
});

describe('decidePerformance() of a window with those before it', () => {
  const ids = { evidenceId: performanceEvidenceId('roc_auc'), togetherId: togetherEvidenceId('roc_auc') };
  const policy = { ...ids, tolerated: 0.03, confidence: 0.95 };
  const evidence = (id: string, lower: number, upper: number) => ({
    id,
    what: id,
    kind: 'interval' as const,
    estimate: (lower + upper) / 2,
    lower,
    upper,
    confidence: 0.975,
    sides: 'one' as const,
    standardError: 0.01,
    method: 'made up',
    rows: 100,
  });
  const decide = (alone: readonly [number, number], together: readonly [number, number]) =>
    decidePerformance(
      {
        kind: 'matured',
        from: '2001-01-01T00:00:00.000Z' as Instant,
        to: '2001-01-02T00:00:00.000Z' as Instant,
        predictions: 100,
        labelled: 100,
        by: 'lag',
        metrics: {},
        evidence: [evidence(policy.evidenceId, ...alone), evidence(policy.togetherId, ...together)],
      },
      policy,
    );
  const [lost, kept, open] = [
    [-0.2, -0.1],
    [-0.01, 0.1],
    [-0.1, 0.1],
  ] as const;

  test('fails by either, passes by either where none fails, and is open where both are', () => {
    expect(decide(lost, kept)).toMatchObject({ outcome: 'fail', reason: expect.stringContaining(policy.evidenceId) });
    expect(decide(kept, lost)).toMatchObject({ outcome: 'fail', reason: expect.stringContaining(policy.togetherId) });
    expect(decide(open, kept)).toMatchObject({ outcome: 'pass' });
    expect(decide(kept, open)).toMatchObject({ outcome: 'pass' });
    expect(decide(open, open)).toMatchObject({ outcome: 'inconclusive', evidenceIds: [policy.evidenceId, policy.togetherId] });
    expect(decide(open, open).inequalities).toHaveLength(4);
  });
});
