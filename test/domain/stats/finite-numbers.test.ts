/** Finite numbers in, finite numbers out: whatever is counted, no result holds NaN or an infinity, and nothing that was passed in changes. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type CanarySegment, canaryAssessmentSchema } from '#domain/contracts/canary.ts';
import { driftReportSchema } from '#domain/contracts/drift-report.ts';
import { evidenceSchema } from '#domain/contracts/evidence.ts';
import type { MetricName } from '#domain/contracts/pipeline-spec/training.ts';
import type { Moments, ProfiledFeature, ReferenceProfile } from '#domain/contracts/reference-profile.ts';
import { type RetrainState, retrainDecisionSchema, retrainStateSchema } from '#domain/contracts/retrain-policy.ts';
import { runOutcomes } from '#domain/contracts/verdict.ts';
import { beginRetrainState, decideRetrain } from '#domain/decide/retrain/decide-retrain.ts';
import type { Clusters } from '#domain/stats/comparison/clusters.ts';
import { compareModels } from '#domain/stats/comparison/compare-models.ts';
import type { Contest } from '#domain/stats/comparison/contest.ts';
import { measureDrift } from '#domain/stats/drift/measure-drift.ts';
import { fitsTask, metricTable } from '#domain/stats/metrics/metrics.ts';
import type { Scored } from '#domain/stats/metrics/scored.ts';
import { compareWindow } from '#domain/stats/performance/compare-window.ts';
import { estimatePerformance, type ScoreCell } from '#domain/stats/performance/label-free-estimate.ts';
import { measureReference } from '#domain/stats/performance/reference-performance.ts';
import { assessCanary } from '#domain/stats/sequential/assess-canary.ts';
import { finish } from '#domain/stats/steps.ts';
import { emptyMoments } from '#domain/stats/summaries/moments.ts';
import { hourMs } from '#domain/units.ts';
import { beginMs, observation, policyOf } from '../decide/retrain/observed.ts';
import { counts, freeze, instant, monday, numericFeature, profileOf, profileSha256, windowOf } from './drift/worlds.ts';

const wrongNumbers = (value: unknown, path = ''): string[] => {
  if (typeof value === 'number') return Number.isFinite(value) ? [] : [`${path} is ${value}`];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => wrongNumbers(inner, `${path}.${key}`));
};

/** Small and large, and nothing at all. */
const count = fc.oneof(fc.constant(0), fc.nat(9), fc.nat(5000), fc.nat(1_000_000_000));
const value = fc.oneof(
  fc.integer({ min: -3, max: 3 }),
  fc.double({ min: -1e60, max: 1e60, noNaN: true }),
  fc.double({ min: -1e-60, max: 1e-60, noNaN: true }),
);
const probability = fc.oneof(fc.constantFrom(0, 0.5, 1), fc.double({ min: 0, max: 1, noNaN: true }));

describe('measureDrift()', () => {
  const momentsOfRows = (rows: number): fc.Arbitrary<Moments> =>
    rows === 0
      ? fc.constant(emptyMoments)
      : fc.tuple(value, value, fc.double({ min: 0, max: 1e130, noNaN: true })).map(([one, two, squaredDeviations]) => ({
          count: rows,
          mean: one / 2 + two / 2,
          squaredDeviations,
          min: Math.min(one, two),
          max: Math.max(one, two),
        }));
  const cellCounts = (cells: number) =>
    fc
      .tuple(fc.array(count, { minLength: cells, maxLength: cells }), count, count, count)
      .map(([inner, missing, nonFinite, wrongType]) => counts(inner, { missing, nonFinite, wrongType }));
  const quiet = fc.option(
    fc
      .tuple(
        fc.array(fc.double({ min: 0, max: 5, noNaN: true }), { minLength: 3, maxLength: 25 }),
        fc.double({ min: 1, max: 1e4, noNaN: true }),
      )
      .map(([list, designEffect]) => {
        const psi = list.sort((left, right) => left - right);
        return { windows: psi.length, designEffect, statistics: { psi, 'chi-square': psi } };
      }),
  );
  const rowsOf = ({ cells }: { cells: readonly number[] }) => cells.reduce((sum, rows) => sum + rows, 0);
  const variable = fc.uniqueArray(value, { maxLength: 5, comparator: (one, two) => one + 0 === two + 0 }).chain((list) => {
    const edges = list.map((edge) => edge + 0).sort((left, right) => left - right);
    const cells = edges.length + 1;
    return fc.tuple(cellCounts(cells), cellCounts(cells), cellCounts(cells), quiet).chain(([whole, slot, current, history]) =>
      fc
        .tuple(
          momentsOfRows(rowsOf(whole)),
          momentsOfRows(rowsOf(current)),
          fc.double({ min: 0, max: 1e60, noNaN: true }),
          fc.boolean(),
        )
        .map(([moments, currentMoments, interquartileRange, critical]) => ({
          feature: {
            ...numericFeature('one', [0]),
            layout: { kind: 'numeric', edges },
            reference: whole,
            bySlot: [slot],
            moments,
            interquartileRange,
            quiet: history,
            critical,
          } as ProfiledFeature,
          counted: { counts: current, outside: 0, moments: currentMoments },
        })),
    );
  });

  test('of any counters, with any history, is a report of finite numbers', () => {
    fc.assert(
      fc.property(
        fc.array(variable, { minLength: 1, maxLength: 4 }),
        fc.boolean(),
        fc.boolean(),
        (variables, isSeasonal, isRepeated) => {
          const season: ReferenceProfile['season'] = isSeasonal
            ? { slot: 'hour of day', slots: 24, windowMs: hourMs, windowsBySlot: [7], overdispersion: 0.1 }
            : { slot: 'none', slots: 1, windowMs: hourMs, windowsBySlot: [7] };
          const profile = profileOf(
            variables.map(({ feature }) => feature),
            { season },
          );
          const rows = Math.min(...variables.map(({ counted }) => rowsOf(counted.counts)));
          const window = windowOf(
            variables.map(({ counted }) => counted),
            { rows, from: instant(monday), to: instant(monday + hourMs) },
          );
          const report = measureDrift(profile, window, freeze({ profileSha256, ...(isRepeated ? { previous: window } : {}) }));
          expect(wrongNumbers(report)).toEqual([]);
          driftReportSchema.parse(report);
        },
      ),
      { numRuns: 1000 },
    );
  });
});

const scoredOf = (task: Scored['task'], rows: number): fc.Arbitrary<Scored> => {
  const classes = task === 'binary' ? 2 : task === 'multiclass' ? 3 : 0;
  const list = (of: fc.Arbitrary<number>, length: number) => fc.array(of, { minLength: length, maxLength: length });
  const labels = list(task === 'regression' ? value : fc.nat(classes - 1), rows);
  const answers = list(task === 'regression' ? value : probability, rows * (task === 'multiclass' ? 3 : 1));
  return fc.tuple(labels, answers).map(([known, given]) => freeze({ task, classes, labels: known, answers: given }));
};
const tasks = fc.constantFrom<Scored['task'][]>('binary', 'multiclass', 'regression');
const metricsOf = (task: Scored['task']) =>
  fc.constantFrom(...(Object.keys(metricTable) as MetricName[]).filter((name) => fitsTask(name, task)));

describe('compareModels()', () => {
  const contest = fc.tuple(tasks, fc.constantFrom(0, 29, 40, 60)).chain(([task, rows]) =>
    fc.record({
      metric: metricsOf(task),
      candidate: scoredOf(task, rows),
      champion: scoredOf(task, rows),
      clusters: fc.option(
        fc.integer({ min: 1, max: 12 }).map((many) => ({
          by: 'day',
          ids: Uint32Array.from({ length: rows }, (_, row) => row % many),
          count: Math.min(rows, many),
        })),
      ),
      policy: fc.record({
        rule: fc.constantFrom('better', 'not worse'),
        margin: fc.constantFrom(0, 0.01, 5),
        confidence: fc.constantFrom(0.9, 0.95, 0.9999),
      }),
      same: fc.boolean(),
    }),
  );

  test('of any two models is evidence of finite numbers', () => {
    fc.assert(
      fc.property(contest, ({ same, ...one }) => {
        const champion = same ? one.candidate : { ...one.champion, labels: one.candidate.labels };
        const found = compareModels({ ...one, champion, slice: null, seed: 1 } as Contest);
        expect(wrongNumbers(found)).toEqual([]);
        for (const evidence of found.evidence) evidenceSchema.parse(evidence);
      }),
      { numRuns: 600 },
    );
  });
});

describe('compareWindow()', () => {
  const question = tasks.chain((task) =>
    fc.record({
      metric: metricsOf(task),
      window: fc.constantFrom(0, 30, 45).chain((rows) => scoredOf(task, rows)),
      before: fc.constantFrom(0, 1, 2, 40).chain((rows) => scoredOf(task, rows)),
      confidence: fc.constantFrom(0.51, 0.95, 0.9999),
      // Rows that belong together in the window and in the reference; 0: each is evidence of its own.
      count: fc.constantFrom(0, 1, 5, 7),
      isKnown: fc.boolean(),
    }),
  );
  const clustersOf = (rows: number, most: number): Clusters => {
    const count = Math.min(rows, most);
    return { by: 'day', ids: Uint32Array.from({ length: rows }, (_, row) => row % Math.max(1, count)), count };
  };

  test('of any window and reference is evidence of finite numbers', () => {
    fc.assert(
      fc.property(question, ({ before, count, isKnown, ...one }) => {
        const together = isKnown ? { unit: 'day' as const, clusters: clustersOf(before.labels.length, 6) } : null;
        const reference = freeze(finish(measureReference(before, 1, together)));
        expect(wrongNumbers(reference)).toEqual([]);
        const clusters = count === 0 ? null : clustersOf(one.window.labels.length, count);
        const found = finish(compareWindow({ ...one, reference, clusters, seed: 1 }));
        expect(wrongNumbers(found)).toEqual([]);
        evidenceSchema.parse(found);
      }),
      { numRuns: 600 },
    );
  });
});

test('estimatePerformance() of any cells is finite, and its metrics are in [0, 1]', () => {
  const tally = fc
    .tuple(fc.oneof(count, fc.double({ min: 0, max: 1e9, noNaN: true })), probability)
    .map(([rows, share]) => ({ rows, expectedPositives: rows * share }));
  const cell: fc.Arbitrary<ScoreCell> = fc.record({ calledPositive: tally, calledNegative: tally });
  fc.assert(
    fc.property(fc.array(cell, { maxLength: 12 }), (cells) => {
      const found = estimatePerformance(freeze(cells));
      expect(wrongNumbers(found)).toEqual([]);
      for (const metric of Object.values(found?.metrics ?? {})) {
        expect(metric).toBeGreaterThanOrEqual(0);
        expect(metric).toBeLessThanOrEqual(1);
      }
    }),
    { numRuns: 3000 },
  );
});

test('assessCanary() of any counters is finite', () => {
  const arm = fc.tuple(count, count, fc.option(fc.double({ min: 0, max: 1, noNaN: true }))).map(([requests, units, share]) => ({
    requests,
    units,
    events: share === null ? {} : { errors: Math.floor(requests * share) },
  }));
  const share = fc.oneof(fc.constantFrom(0.01, 0.5, 1), fc.double({ min: 1e-6, max: 1, noNaN: true }));
  const guardrail = fc.record({
    name: fc.constant('errors' as const),
    alpha: fc.constantFrom(1e-6, 0.01, 0.5),
    margin: fc.constantFrom(0, 0.25, 10),
    allowance: fc.constantFrom(0, 0.001, 1),
    floor: fc.option(fc.constantFrom(1e-6, 0.05, 0.999)),
    floorAlpha: fc.constant(0.001),
    designEffect: fc.constantFrom(1, 1.5, 1e4),
  });
  const segment = fc.record({ share, candidate: arm, champion: arm });
  fc.assert(
    fc.property(fc.array(segment, { minLength: 1, maxLength: 4 }), guardrail, (segments, one) => {
      const found = assessCanary(freeze(segments) as CanarySegment[], freeze({ guardrails: [one] }));
      expect(wrongNumbers(found)).toEqual([]);
      canaryAssessmentSchema.parse(found);
    }),
    { numRuns: 2000 },
  );
});

test('decideRetrain() of any story is finite', () => {
  const policy = policyOf({});
  const number = fc.double({ min: -1e12, max: 1e12, noNaN: true });
  const signal = fc.option(number.map((score) => ({ score, what: 'score', evidenceIds: [] })));
  const estimate = fc.option(
    fc.tuple(number, number).map(([score, error]) => ({
      score,
      what: 'score',
      evidenceIds: [],
      calibrationError: Math.abs(error),
      calibrationLimit: 0.03,
    })),
  );
  const heard = fc.record({
    signals: fc.record({ performance: signal, estimate, drift: signal, calibration: signal }),
    gain: fc.option(fc.tuple(number, number).map(([lower, cost]) => ({ lower, cost: Math.abs(cost), evidenceIds: [] }))),
    labels: fc.record({ newRows: count, newRareRows: count, lastTrainingRows: count }),
    openBreaches: fc.nat(2),
    ended: fc.option(fc.constantFrom(...runOutcomes)),
  });
  const story = fc.array(fc.tuple(heard, fc.integer({ min: -1e9, max: 1e10 })), { minLength: 1, maxLength: 12 });
  fc.assert(
    fc.property(story, (steps) => {
      let state: RetrainState = beginRetrainState(policy, beginMs);
      let nowMs = beginMs;
      for (const [parts, passedMs] of steps) {
        nowMs += passedMs;
        const step = decideRetrain(policy, freeze(state), observation(parts as never), nowMs);
        expect(wrongNumbers(step)).toEqual([]);
        retrainDecisionSchema.parse(step.decision);
        state = retrainStateSchema.parse(step.state);
      }
    }),
    { numRuns: 1000 },
  );
});
