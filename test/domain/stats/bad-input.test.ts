/**
 * Input that is wrong, over every entry point: each case is a refusal with its words, or a result that is defined.
 * A number that came of nothing, or NaN, is neither.
 */
import { describe, expect, test } from 'vitest';
import type { CanarySegment } from '#domain/contracts/canary.ts';
import { retrainObservationSchema } from '#domain/contracts/retrain-policy.ts';
import { nextDriftState, startDriftMemory } from '#domain/decide/drift/next-drift-state.ts';
import { observeReport } from '#domain/decide/drift/observe-report.ts';
import { defaultDriftPolicy } from '#domain/decide/drift/policy.ts';
import { decideGate } from '#domain/decide/gate.ts';
import { beginRetrainState, decideRetrain } from '#domain/decide/retrain/decide-retrain.ts';
import { bootstrap } from '#domain/stats/comparison/bootstrap.ts';
import { compareFairness } from '#domain/stats/comparison/compare-fairness.ts';
import { compareModels } from '#domain/stats/comparison/compare-models.ts';
import type { Contest } from '#domain/stats/comparison/contest.ts';
import { boundProportions, pairedProportions } from '#domain/stats/comparison/non-inferiority.ts';
import { rowsForMcNemar, rowsForPower, rowsOfSplit, rowsPerArm } from '#domain/stats/comparison/sizing.ts';
import { hellingerDistance } from '#domain/stats/distances/hellinger.ts';
import { jensenShannonDistance } from '#domain/stats/distances/jensen-shannon.ts';
import { noiseFloor } from '#domain/stats/distances/noise-floor.ts';
import { smoothedPsi } from '#domain/stats/distances/psi.ts';
import { wassersteinDistance } from '#domain/stats/distances/wasserstein.ts';
import { chanceOfSameCounts } from '#domain/stats/drift/frozen-feed.ts';
import { measureDrift } from '#domain/stats/drift/measure-drift.ts';
import { expectedGain } from '#domain/stats/economics/expected-gain.ts';
import { freshLoss } from '#domain/stats/economics/learning-curve.ts';
import { calibrationErrorByMass, observedOverExpected, spiegelhalterTest } from '#domain/stats/metrics/calibration.ts';
import { calibrationNull } from '#domain/stats/metrics/calibration-null.ts';
import { measureAll } from '#domain/stats/metrics/metrics.ts';
import { prepareR2 } from '#domain/stats/metrics/regression.ts';
import { everyRowOnce, type Scored } from '#domain/stats/metrics/scored.ts';
import { benjaminiHochberg } from '#domain/stats/multiple/benjamini-hochberg.ts';
import { conformalPValue } from '#domain/stats/multiple/conformal.ts';
import { calibrate, fitCalibrator } from '#domain/stats/performance/calibrator.ts';
import { cellsOfCounts } from '#domain/stats/performance/cells-of-counts.ts';
import { compareWindow } from '#domain/stats/performance/compare-window.ts';
import { averageLosses } from '#domain/stats/performance/direct-loss.ts';
import { cellsOfRows, estimatePerformance } from '#domain/stats/performance/label-free-estimate.ts';
import { estimateLagCurve } from '#domain/stats/performance/lag-curve.ts';
import { maturityOf, provisionalWeights } from '#domain/stats/performance/maturity.ts';
import { measureWindow } from '#domain/stats/performance/measure-window.ts';
import { measureReference } from '#domain/stats/performance/reference-performance.ts';
import { quantileOfSorted } from '#domain/stats/quantile.ts';
import { assessCanary } from '#domain/stats/sequential/assess-canary.ts';
import { logEvidenceOfHarm } from '#domain/stats/sequential/count-test.ts';
import { eventsToDetect, requestsToDetect } from '#domain/stats/sequential/events-to-detect.ts';
import { groupSequentialBounds, spendLate } from '#domain/stats/sequential/group-sequential.ts';
import { sequenceHalfWidth } from '#domain/stats/sequential/mean-sequence.ts';
import { boundRateRatio } from '#domain/stats/sequential/rate-ratio.ts';
import { testSplitOnce } from '#domain/stats/sequential/split-mismatch.ts';
import { binomialProbability } from '#domain/stats/special/binomial.ts';
import { finish } from '#domain/stats/steps.ts';
import { numericLayoutOf } from '#domain/stats/summaries/cell-edges.ts';
import { addToSketch, emptySketch, quantileOfSketch } from '#domain/stats/summaries/ddsketch.ts';
import { emptyLedger, recordFlush } from '#domain/stats/summaries/flush-ledger.ts';
import { emptyMoments, momentsOf, varianceOf } from '#domain/stats/summaries/moments.ts';
import { countValues } from '#domain/stats/summaries/place-value.ts';
import { chiSquareHomogeneity } from '#domain/stats/two-sample/chi-square.ts';
import { kolmogorovSmirnovTest } from '#domain/stats/two-sample/kolmogorov-smirnov.ts';
import { newcombeInterval } from '#domain/stats/two-sample/proportions.ts';
import type { Sha256 } from '#domain/units.ts';
import { beginMs, observation, policyOf } from '../decide/retrain/observed.ts';
import {
  categoricalFeature,
  counted,
  countedCategory,
  counts,
  freeze,
  instant,
  monday,
  numericFeature,
  profileOf,
  profileSha256,
  windowOf,
} from './drift/worlds.ts';

type Case = readonly [what: string, act: () => unknown, outcome: unknown];

/** A RangeError with these words. */
const refused = (words: string) => ({ refused: words });
const isRefusal = (outcome: unknown): outcome is { refused: string } =>
  typeof outcome === 'object' && outcome !== null && 'refused' in outcome;

/** Numbers of a result that are none. */
const wrongNumbers = (value: unknown): unknown[] => {
  if (typeof value === 'number') return Number.isFinite(value) ? [] : [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(wrongNumbers) : [];
};

const runAll = (cases: readonly Case[]): void => {
  test.each(cases)('%s', (_, act, outcome) => {
    if (isRefusal(outcome)) {
      expect(act).toThrow(RangeError);
      expect(act).toThrow(outcome.refused);
      return;
    }
    const found = act();
    if (typeof outcome === 'object' && outcome !== null && !Array.isArray(outcome)) expect(found).toMatchObject(outcome);
    else expect(found).toEqual(outcome);
    if (outcome !== Number.POSITIVE_INFINITY) expect(wrongNumbers(found)).toEqual([]);
  });
};

const otherSha256 = 'e'.repeat(64) as Sha256;

describe('drift', () => {
  const profile = profileOf([numericFeature('late', [500, 500]), categoricalFeature('carrier', [600, 390, 10, 0])]);
  const right = () => [counted([50, 50]), countedCategory([60, 40, 0, 0])];
  const drift = (window: Parameters<typeof measureDrift>[1], options: Partial<Parameters<typeof measureDrift>[2]> = {}) =>
    measureDrift(profile, window, freeze({ profileSha256, ...options }));
  const withMoments = (parts: object) => [
    counted([50, 50], { moments: { ...momentsOf([0.5, 1.5]), ...parts } }),
    countedCategory([60, 40, 0, 0]),
  ];
  const allMissing = [
    counted([0, 0], { counts: counts([0, 0], { missing: 100 }), moments: emptyMoments }),
    countedCategory([0, 0, 0, 0], { counts: counts([0, 0, 0, 0], { missing: 100 }) }),
  ];
  const nothing = { sufficient: false, psi: null, debiasedPsi: null, pValue: null, adjustedPValue: null };
  const span = { from: instant(monday), to: instant(monday) };

  runAll([
    [
      'no rows',
      () => drift(windowOf([counted([0, 0]), countedCategory([0, 0, 0, 0])])),
      { rows: 0, features: [nothing, nothing], breaches: [{ check: 'missing window' }] },
    ],
    [
      'all missing',
      () => drift(windowOf(allMissing, { rows: 100 })),
      { features: [nothing, nothing], breaches: [{ check: 'missing rate' }, { check: 'missing rate' }] },
    ],
    [
      'no rows in the reference',
      () => measureDrift(profileOf([numericFeature('late', [0, 0])]), windowOf([counted([5, 5])]), { profileSha256 }),
      { features: [nothing] },
    ],
    [
      'one value only',
      () => drift(windowOf([counted([100, 0], { moments: momentsOf([1, 1]) }), countedCategory([100, 0, 0, 0])])),
      { breaches: [{ check: 'frozen feed' }, { check: 'frozen feed' }] },
    ],
    ['an unknown digest', () => drift(windowOf(right(), { profileSha256: otherSha256 })), refused('must be of profile')],
    [
      'a histogram of another profile',
      () => drift(windowOf([counted([9, 9, 9]), countedCategory([60, 40, 0, 0])])),
      refused('they have others'),
    ],
    [
      'a previous window of another profile',
      () => drift(windowOf(right()), { previous: windowOf([], { profileSha256: otherSha256 }) }),
      refused('must be of profile'),
    ],
    [
      'a previous window of another shape',
      () => drift(windowOf(right()), { previous: windowOf([]) }),
      refused('they have others'),
    ],
    [
      'a last window of another profile',
      () => drift(windowOf(right()), { lastWindow: windowOf(right(), { profileSha256: otherSha256 }) }),
      refused('must be of profile'),
    ],
    [
      'negative counts',
      () => drift(windowOf([counted([150, -50]), countedCategory([60, 40, 0, 0])])),
      refused('whole and >= 0: it is -50'),
    ],
    [
      'negative asides',
      () =>
        drift(windowOf([counted([50, 50], { counts: counts([50, 50], { nonFinite: -3 }) }), countedCategory([60, 40, 0, 0])])),
      refused('it is -3'),
    ],
    ['half a row', () => drift(windowOf([counted([50.5, 49.5]), countedCategory([60, 40, 0, 0])])), refused('it is 50.5')],
    ['infinitely many rows', () => drift(windowOf(right(), { rows: Number.POSITIVE_INFINITY })), refused('rows must be whole')],
    ['an infinite mean', () => drift(windowOf(withMoments({ mean: Number.POSITIVE_INFINITY }))), refused('mean is Infinity')],
    ['a mean that is NaN', () => drift(windowOf(withMoments({ mean: Number.NaN }))), refused('mean is NaN')],
    ['a window without length', () => drift(windowOf(right(), span)), refused('must begin before it ends')],
    [
      'a warn level of 0',
      () => drift(windowOf(right()), { warnLevel: 0 }),
      { features: [{ sufficient: false, fewestRows: null, pValue: null }, {}] },
    ],
    ['more repeated rows than rows', () => drift(windowOf(right()), { duplicates: { count: 5, rows: 4 } }), refused('5 of 4')],
    [
      'a judgement of another profile',
      () =>
        nextDriftState(
          defaultDriftPolicy,
          startDriftMemory({ sha256: otherSha256, features: 2, predictions: 0 }),
          observeReport(drift(windowOf(right()))),
        ),
      { verdict: { outcome: 'error' }, raised: false },
    ],
    [
      'distance: no rows',
      () => [
        smoothedPsi([1, 2], [0, 0]),
        hellingerDistance([0], [1]),
        jensenShannonDistance([], []),
        wassersteinDistance([], [1]),
      ],
      [null, null, null, null],
    ],
    [
      'distance: one cell',
      () => [smoothedPsi([7], [3]), hellingerDistance([7], [3]), jensenShannonDistance([7], [3])],
      [0, 0, 0],
    ],
    ['distance: a negative count', () => smoothedPsi([1, -1], [1, 1]), refused('cell 1 of reference has -1')],
    ['distance: an infinite value', () => wassersteinDistance([1, Number.POSITIVE_INFINITY], [1]), refused('must be finite')],
    ['noise floor: one cell, no rows', () => noiseFloor({ cells: 1, referenceRows: 0, currentRows: 5 }), 0],
    [
      'test: no rows',
      () => [
        chiSquareHomogeneity([0, 0], [1, 1]),
        kolmogorovSmirnovTest([], [1]),
        newcombeInterval({ count: 0, rows: 0 }, { count: 1, rows: 2 }, 0.95),
      ],
      [null, null, null],
    ],
    ['test: NaN', () => kolmogorovSmirnovTest([Number.NaN], [1]), refused('must be finite')],
    ['test: a design effect below 1', () => chiSquareHomogeneity([1, 1], [1, 1], 0.5), refused('design effect')],
    ['p-values outside [0, 1]', () => benjaminiHochberg([0.1, 1.5]), refused('1.5')],
    ['rank of NaN', () => conformalPValue([1], Number.NaN), refused('must be numbers')],
    ['counters without rows are no frozen feed', () => chanceOfSameCounts([0, 0, 0], 1), 1],
  ]);

  test('a column without values beside a window that repeats by chance is no frozen feed', () => {
    const few = () => [counted([2, 1]), countedCategory([0, 0, 0, 0], { counts: counts([0, 0, 0, 0], { missing: 3 }) })];
    const empty = profileOf([
      numericFeature('late', [500, 500]),
      categoricalFeature('note', [0, 0, 0, 0], { reference: counts([0, 0, 0, 0], { missing: 1000 }) }),
    ]);
    const previous = windowOf(few());
    const window = windowOf(few(), { from: instant(monday + 3_600_000), to: instant(monday + 7_200_000) });
    expect(measureDrift(empty, window, { profileSha256, previous }).breaches).toEqual([]);
  });
});

const half = (rows: number): number[] => Array.from({ length: rows }, (_, row) => row % 2);
const scored = (labels: readonly number[], answers: readonly number[], task: Scored['task'] = 'binary'): Scored =>
  freeze({ task, classes: task === 'binary' ? 2 : task === 'regression' ? 0 : 3, labels: [...labels], answers: [...answers] });
const good = (rows = 200): Scored =>
  scored(
    half(rows),
    half(rows).map((label, row) => (row % 5 === 0 ? 1 - label : label) * 0.8 + 0.1),
  );
const none = scored([], []);

describe('gate comparison', () => {
  const contest = (candidate: Scored, champion: Scored, parts: object = {}): Contest =>
    ({
      metric: 'roc_auc',
      slice: null,
      candidate,
      champion,
      clusters: null,
      policy: freeze({ rule: 'not worse', margin: 0.01, confidence: 0.95, ...parts }),
      seed: 1,
    }) as Contest;
  const kinds = (one: Contest) => compareModels(one).evidence.map(({ kind }) => kind);
  const answers = good().answers as readonly number[];
  const replaced = (place: number, value: number) =>
    scored(
      half(200),
      answers.map((one, row) => (row === place ? value : one)),
    );
  const relabelled = (value: number) =>
    scored(
      half(200).map((one, row) => (row === 7 ? value : one)),
      answers,
    );
  const values = scored(half(200), half(200), 'regression');

  runAll([
    [
      'no rows',
      () => compareModels(contest(none, none)),
      { candidate: null, champion: null, evidence: [{ kind: 'insufficient', reason: 'rows 0 >= 30 does not hold' }] },
    ],
    [
      'one class',
      () => compareModels(contest(scored(half(200).fill(1), answers), scored(half(200).fill(1), answers))),
      { candidate: null, evidence: [{ kind: 'insufficient', reason: 'rows of the rarer class 0 >= 10 does not hold' }] },
    ],
    [
      'a margin of 0, the same model',
      () => compareModels(contest(good(), good(), { margin: 0 })).evidence[0],
      { kind: 'interval', estimate: 0, lower: 0, upper: 0 },
    ],
    [
      'a margin of 0: no number of rows is enough for an equal model',
      () => kinds(contest(good(), good(), { margin: 0 })),
      ['interval', 'p-value', 'p-value', 'p-value', 'p-value'],
    ],
    [
      'an answer above 1',
      () => compareModels(contest(replaced(3, 1.5), good())),
      refused('answer 3 must be a probability in [0, 1]: it is 1.5'),
    ],
    ['an answer below 0', () => compareModels(contest(good(), replaced(3, -0.5))), refused('it is -0.5')],
    [
      'an answer that is NaN',
      () => compareModels({ ...contest(replaced(3, Number.NaN), good()), metric: 'accuracy' }),
      refused('it is NaN'),
    ],
    [
      'an infinite answer',
      () => compareModels(contest(replaced(3, Number.POSITIVE_INFINITY), good())),
      refused('it is Infinity'),
    ],
    [
      'an infinite value',
      () =>
        compareModels({
          ...contest(values, scored(half(200), half(200).fill(Number.POSITIVE_INFINITY), 'regression')),
          metric: 'rmse',
        }),
      refused('it is Infinity'),
    ],
    [
      'a class that there is not',
      () => compareModels(contest(relabelled(2), good())),
      refused('label 7 must be a class from 0 to 1: it is 2'),
    ],
    ['a label that is missing', () => compareModels(contest(relabelled(Number.NaN), good())), refused('it is NaN')],
    [
      'models of other rows',
      () => compareModels(contest(good(), good(100))),
      refused('must answer the same rows: 200 (binary) and 100 (binary)'),
    ],
    [
      'fewer answers than rows',
      () => compareModels(contest(scored(half(200), answers.slice(1)), good())),
      refused('there are 199'),
    ],
    [
      'fairness: an answer above 1',
      () => compareFairness({ ...contest(replaced(3, 1.5), good()), by: 'sex', groups: [] }),
      refused('it is 1.5'),
    ],
    [
      'fairness: no groups',
      () => compareFairness({ ...contest(good(), good()), by: 'sex', groups: [] }),
      { groups: [], measures: [{ evidence: [{ kind: 'insufficient' }] }, { evidence: [{ kind: 'insufficient' }] }] },
    ],
    ['proportions: no rows', () => pairedProportions(0, 0, 0), refused('among 0 rows')],
    [
      'proportions: a margin of 0 and no difference',
      () => boundProportions(0, 0, 100, 0, 0.95),
      { estimate: 0, pNonInferior: 1, pHarm: 1 },
    ],
    ['bootstrap: no rows', () => bootstrap({ rows: 0, resamples: 10, seed: 1, statistic: () => 1 }), null],
    [
      'sizing: nothing to tell apart',
      () => rowsForPower({ variancePerRow: 0, distance: 0, confidence: 0.95, power: 0.8 }),
      Number.POSITIVE_INFINITY,
    ],
    ['sizing: equal proportions of 0', () => rowsPerArm(0, 0, { alpha: 0.05, power: 0.8 }), Number.POSITIVE_INFINITY],
    [
      'sizing: more difference than disagreement',
      () => rowsForMcNemar(0.3, 0.04, { alpha: 0.05, power: 0.8 }),
      refused('must lie within 0.04'),
    ],
    ['sizing: a proportion outside [0, 1]', () => rowsPerArm(0.1, 1.2, { alpha: 0.05, power: 0.8 }), refused('it is 1.2')],
    ['sizing: a share of 0', () => rowsOfSplit(0.1, 0.2, 0, { alpha: 0.05, power: 0.8 }), refused('the share must be in (0, 1)')],
  ]);

  test('a gate without evidence is an error, never a pass', () => {
    const report = {
      rows: 0,
      primaryMetric: 'roc_auc',
      candidate: {},
      champion: null,
      comparisons: [],
      fairness: [],
      calibration: null,
      holdoutUse: null,
      parity: { rows: 0, largestDifference: 0, tolerance: 1, holds: true, worst: null },
    };
    const gate = {
      minimum: {},
      maximum: {},
      slices: [],
      fairness: [],
      champion: { rule: 'not worse', margin: 0, confidence: 0.95 },
    };
    expect(decideGate(report as never, gate as never)).toMatchObject({ outcome: 'error' });
  });
});

describe('metrics and calibration', () => {
  const numbers = (labels: readonly number[], answers: readonly number[]) => scored(labels, answers, 'regression');
  const r2 = (one: Scored) => prepareR2(one)(everyRowOnce(one.labels.length));
  runAll([
    ['no rows', () => measureAll(none), {}],
    ['one class', () => Object.keys(measureAll(scored([1, 1], [0.9, 0.8]))).includes('roc_auc'), false],
    ['an answer above 1', () => measureAll(scored([0, 1], [0.5, 1.1])), refused('it is 1.1')],
    ['a class that there is not', () => measureAll(scored([0, 3], [0.5, 0.5])), refused('it is 3')],
    ['an infinite value', () => measureAll(numbers([1, 2], [1, Number.NEGATIVE_INFINITY])), refused('it is -Infinity')],
    ['a value whose square is no number', () => measureAll(numbers([1, 2], [1, 1e200])), refused('it is 1e+200')],
    ['a constant label of which the mean rounds', () => r2(numbers([0.1, 0.1, 0.1], [0.2, 0.1, 0])), null],
    [
      'calibration: no rows',
      () => [calibrationErrorByMass([], [], 10), observedOverExpected([], []), spiegelhalterTest([], [])],
      [0, null, null],
    ],
    ['calibration: all promised nothing', () => observedOverExpected([0, 1], [0, 0]), null],
    ['calibration: a probability above 1', () => calibrationErrorByMass([0], [1.5], 10), refused('it is 1.5')],
    ['calibration: a label of 2', () => spiegelhalterTest([2], [0.5]), refused('it is 2')],
    ['calibration: no cells', () => calibrationErrorByMass([0], [0.5], 0), refused('cells')],
    ['calibrator: no rows', () => fitCalibrator([], []), null],
    ['calibrator: one class', () => fitCalibrator([1, 1], [0.2, 0.3]), null],
    ['calibrator: an infinite score', () => fitCalibrator([0, 1], [0, Number.POSITIVE_INFINITY]), refused('it is Infinity')],
    ['calibrator: a negative weight', () => fitCalibrator([0, 1], [0, 1], [1, -1]), refused('it is -1')],
    ['calibrator: weights of 0', () => fitCalibrator([0, 1], [0, 1], [0, 0]), null],
    ['calibrator: a score of NaN', () => calibrate({ scores: [0], probabilities: [0.5] }, Number.NaN), refused('it is NaN')],
    ['calibrator: no steps', () => calibrate({ scores: [], probabilities: [] }, 0.5), refused('there are 0')],
    ['calibration: no draws', () => calibrationNull([0], [0.5], { cells: 1, draws: 0, seed: 1 }), refused('there are 0')],
    ['a quantile of nothing', () => quantileOfSorted([], 0.5), refused('there is none')],
    ['a quantile beyond all', () => quantileOfSorted([1, 2], 1.5), refused('it is 1.5')],
    ['a binomial probability of certainty', () => binomialProbability(0, 0, 1), refused('it is 1')],
  ]);
});

describe('performance with late labels and without', () => {
  const reference = freeze(finish(measureReference(good(), 1)));
  const curve = estimateLagCurve({ waitsMs: [5, 9], arrived: [1, 1] });
  const compare = (window: Scored, parts: object = {}) =>
    finish(compareWindow({ metric: 'roc_auc', window, reference, clusters: null, confidence: 0.95, seed: 1, ...parts }));
  const tiny = (scale: number) =>
    scored(
      half(40),
      half(40).map((label, row) => label + scale * (row % 3)),
      'regression',
    );
  const windowOfAges = (agesMs: readonly number[]) => ({
    from: instant(monday),
    to: instant(monday + 1),
    predictions: 2,
    scored: scored([0, 1], [0.2, 0.8]),
    clusters: null,
    together: null,
    agesMs,
  });
  const plan = freeze({ reference, curve, compare: [], confidence: 0.95, seed: 1 });
  const young = { kind: 'provisional', ageMs: 6, afterMs: 9, arrivedShare: 0.5 } as const;
  runAll([
    ['no rows', () => compare(none), { kind: 'insufficient', reason: 'labelled rows 0 >= 30 does not hold' }],
    [
      'one class',
      () => compare(scored(half(200).fill(0), good().answers as number[])),
      { kind: 'insufficient', reason: 'labelled rows of the rarer class 0 >= 10 does not hold' },
    ],
    [
      'a reference without rows',
      () => compare(good(), { reference: finish(measureReference(none, 1)) }),
      { kind: 'insufficient' },
    ],
    [
      'an answer above 1',
      () =>
        compare(
          scored(
            half(40),
            half(40).map((one) => 2 * one),
          ),
        ),
      refused('it is 2'),
    ],
    ['a confidence of one half', () => compare(good(), { confidence: 0.5 }), refused('(1/2, 1)')],
    [
      'losses so small that their squares vanish',
      () =>
        finish(
          compareWindow({
            metric: 'mae',
            window: tiny(1e-100),
            reference: finish(
              measureReference(
                scored(
                  half(40),
                  half(40).map((one, row) => one + 1e-100 * (row % 2)),
                  'regression',
                ),
                1,
              ),
            ),
            clusters: null,
            confidence: 0.95,
            seed: 1,
          }),
        ),
      { kind: 'interval', method: 'Welch' },
    ],
    ['ages that are not as many as rows', () => finish(measureWindow(windowOfAges([6]), young, plan)), refused('there are 1')],
    ['an age that is NaN', () => provisionalWeights([Number.NaN], curve), refused('that of row 0 is NaN')],
    [
      'lags: no predictions',
      () => estimateLagCurve({ waitsMs: [], arrived: [] }),
      { predictions: 0, labels: 0, lagsMs: [], shares: [] },
    ],
    ['lags: a negative wait', () => estimateLagCurve({ waitsMs: [-1], arrived: [1] }), refused('it is -1')],
    [
      'maturity: a horizon of 0',
      () => maturityOf({ fromMs: 0, toMs: 1 }, 5, curve, { unlabelled: 'negative', horizonMs: 0 }),
      refused('it is 0'),
    ],
    ['without labels: no rows', () => estimatePerformance([]), null],
    [
      'without labels: one class promised',
      () => Object.keys(estimatePerformance(cellsOfRows([1, 2], [1, 1], 1.5))?.metrics ?? {}).includes('roc_auc'),
      false,
    ],
    ['without labels: a probability above 1', () => cellsOfRows([1], [1.2], 0.5), refused('it is 1.2')],
    ['without labels: an infinite score', () => cellsOfRows([Number.POSITIVE_INFINITY], [1], 0.5), refused('it is Infinity')],
    [
      'without labels: more positives than rows',
      () =>
        estimatePerformance([
          { calledPositive: { rows: 1, expectedPositives: 2 }, calledNegative: { rows: 0, expectedPositives: 0 } },
        ]),
      refused('2 of 1'),
    ],
    [
      'without labels: negative counts',
      () => cellsOfCounts({ kind: 'numeric', edges: [0.5] }, [-1, 1], { scores: [0], probabilities: [0.5] }, 0.5),
      refused('one is -1'),
    ],
    [
      'without labels: cells of another profile',
      () => cellsOfCounts({ kind: 'numeric', edges: [0.5] }, [1, 1, 1], { scores: [0], probabilities: [0.5] }, 0.5),
      refused('there must be 2 counts'),
    ],
    ['losses: none', () => averageLosses([], []), null],
    ['losses: a negative one', () => averageLosses([-1], [1]), refused('it is -1')],
  ]);
});

describe('canary', () => {
  const arm = (requests: number, errors: number, units = requests) => ({ requests, units, events: { errors } });
  const segment = (share: number, candidate: object, champion: object): CanarySegment =>
    freeze({ share, candidate, champion }) as CanarySegment;
  const guardrails = freeze([
    { name: 'errors' as const, alpha: 0.01, margin: 0, allowance: 0, floor: 0.05, floorAlpha: 0.001, designEffect: 1 },
  ]);
  const assess = (...segments: CanarySegment[]) => assessCanary(segments, { guardrails: [...guardrails] });
  const champion = arm(900, 9);
  runAll([
    ['no segment', () => assess(), refused('there is none')],
    [
      'no requests',
      () => assess(segment(0.1, arm(0, 0), arm(0, 0))),
      {
        guardrails: [
          {
            harm: { kind: 'e-value', eValue: 1 },
            ratio: { kind: 'insufficient' },
            aboveBudget: { kind: 'insufficient' },
            floor: { kind: 'e-value', eValue: 1 },
          },
        ],
        split: { sequential: { kind: 'insufficient' }, atOnce: { kind: 'insufficient' } },
      },
    ],
    [
      'one arm only',
      () => assess(segment(1, arm(100, 1), arm(0, 0))),
      {
        guardrails: [{ harm: { kind: 'insufficient' }, ratio: { kind: 'insufficient' } }],
        split: { atOnce: { kind: 'insufficient' } },
      },
    ],
    [
      'what was not counted',
      () => assess(segment(0.1, { requests: 100, units: 100, events: {} }, champion)),
      {
        guardrails: [{ harm: { kind: 'insufficient' }, floor: { kind: 'insufficient' }, aboveBudget: { kind: 'insufficient' } }],
      },
    ],
    [
      'a margin of 0: the same rate is within it',
      () => assess(segment(0.1, arm(100, 1), champion)),
      { guardrails: [{ aboveBudget: { kind: 'measurement', value: 0 } }] },
    ],
    [
      'negative requests',
      () => assess(segment(0.1, arm(-5, 0), champion)),
      refused('requests of the candidate must be whole and >= 0: it is -5'),
    ],
    [
      'negative events',
      () => assess(segment(0.1, arm(100, -1), champion)),
      refused('errors of the candidate must be whole and >= 0: it is -1'),
    ],
    [
      'infinitely many requests',
      () => assess(segment(0.1, arm(100, 1), arm(Number.POSITIVE_INFINITY, 1))),
      refused('it is Infinity'),
    ],
    [
      'more events than requests',
      () => assess(segment(0.1, arm(100, 101), champion)),
      refused('at most 100 requests: it is 101'),
    ],
    ['a share of 0', () => assess(segment(0, arm(0, 0), champion)), refused('share must be in (0, 1]: it is 0')],
    ['a share above 1', () => assess(segment(1.5, arm(100, 1), champion)), refused('it is 1.5')],
    ['a share that is NaN', () => assess(segment(Number.NaN, arm(0, 0), arm(0, 0))), refused('it is NaN')],
    ['events: none', () => logEvidenceOfHarm({ share: 0.1, candidate: 0, champion: 0 }), 0],
    ['events: a negative count', () => logEvidenceOfHarm({ share: 0.1, candidate: -1, champion: 3 }), refused('-1')],
    [
      'ratio: no events',
      () => boundRateRatio([{ share: 0.1, candidate: 0, champion: 0 }], 0.05),
      { estimate: null, lower: 0, upper: null },
    ],
    ['split: no requests', () => testSplitOnce({ share: 0.1, candidate: 0, champion: 0 }), refused('needs requests')],
    ['plan: a champion that never fails', () => requestsToDetect({ share: 0.1, ratio: 2, alpha: 0.01 }, 0), refused('it is 0')],
    ['plan: an alpha of 1', () => eventsToDetect({ share: 0.1, ratio: 2, alpha: 1 }), refused('alpha must be in (0, 1)')],
    ['mean: no tuning', () => sequenceHalfWidth({ deviation: 1, rows: 9 }, { alpha: 0.05, tuning: 0 }), refused('tuning > 0')],
    [
      'events that count for next to nothing',
      () => boundRateRatio([{ share: 0.1, candidate: 0.001, champion: 0 }], 0.01),
      { estimate: null, lower: 0, upper: null },
    ],
    ['looks on which nothing is spent', () => groupSequentialBounds([0.0001, 1], 0.05, spendLate), refused('something to spend')],
  ]);
});

describe('retrain', () => {
  const policy = policyOf({});
  const decide = (parts: Parameters<typeof observation>[0]) =>
    decideRetrain(policy, beginRetrainState(policy, beginMs), observation(parts), beginMs).decision;
  const gain = {
    predictionsPerDay: 100,
    valuePerError: 1,
    current: { estimate: 0.2, standardError: 0 },
    fresh: { estimate: 0.1, standardError: 0 },
    horizonDays: 7,
    rows: 10,
    confidence: 0.9,
  };
  const accepts = (parts: object) => retrainObservationSchema.safeParse({ ...observation(), ...parts }).success;
  runAll([
    ['nothing was measured', () => decide({}), { decision: 'wait', reason: 'nothing' }],
    [
      'no labels at all',
      () =>
        decide({
          labels: { newRows: 0, newRareRows: 0, lastTrainingRows: 0 },
          asked: { kind: 'webhook', by: 'someone', despite: [] } as never,
        }),
      { decision: 'suppressed', vetoes: [{ veto: 'no new labels', overridden: false }] },
    ],
    ['negative rows are no observation', () => accepts({ labels: { newRows: -1, newRareRows: 0, lastTrainingRows: 0 } }), false],
    ['an infinite age is no observation', () => accepts({ trainedAtMs: Number.NEGATIVE_INFINITY }), false],
    ['NaN breaches are no observation', () => accepts({ openBreaches: Number.NaN }), false],
    ['gain: a negative volume', () => expectedGain({ ...gain, predictionsPerDay: -1 }), refused('it is -1')],
    [
      'gain: an infinite loss',
      () => expectedGain({ ...gain, current: { estimate: Number.POSITIVE_INFINITY, standardError: 0 } }),
      refused('it is Infinity'),
    ],
    [
      'gain: beyond all numbers',
      () => expectedGain({ ...gain, predictionsPerDay: 1e300, current: { estimate: 1e300, standardError: 1e300 } }),
      refused('size of the gain'),
    ],
    ['gain: no horizon', () => expectedGain({ ...gain, horizonDays: 0 }), { estimate: 0, lower: 0, upper: 0 }],
    ['learning curve: no points', () => freshLoss([], 10, 0.9), refused('there is none')],
    [
      'learning curve: a loss of NaN',
      () => freshLoss([{ rows: 1, loss: Number.NaN, standardError: 0 }], 10, 0.9),
      refused('NaN'),
    ],
  ]);
});

describe('summaries', () => {
  const shapes = freeze({ [profileSha256]: { features: [{ cells: 2, numeric: true }], scores: [], predictions: null } });
  const flush = (parts: object) =>
    freeze({
      serverId: 's',
      arm: 'champion',
      modelSha256: otherSha256,
      profileSha256,
      epoch: 'e',
      sequence: 1,
      windows: [windowOf([counted([1, 1])])],
      ...parts,
    }) as never;
  const record = (parts: object) => recordFlush(emptyLedger(shapes), flush(parts));
  const numeric = freeze({ kind: 'numeric' as const, edges: [0, 1] });
  runAll([
    [
      'a flush of an unknown profile',
      () => record({ profileSha256: otherSha256 }),
      { kind: 'refused', reason: 'unknown profile' },
    ],
    ['a flush of "__proto__"', () => record({ profileSha256: '__proto__' }), { kind: 'refused', reason: 'unknown profile' }],
    [
      'a flush of another shape',
      () => record({ windows: [windowOf([counted([1, 1, 1])])] }),
      { kind: 'refused', reason: 'wrong shape' },
    ],
    ['moments: no rows', () => [momentsOf([]), varianceOf(emptyMoments)], [emptyMoments, null]],
    ['moments: an infinite value', () => momentsOf([1, Number.POSITIVE_INFINITY]), refused('Infinity')],
    [
      'counts: nothing but what is no value',
      () => countValues(numeric, [null, undefined, Number.NaN, Number.POSITIVE_INFINITY, '1']),
      { cells: [0, 0, 0], missing: 3, nonFinite: 1, wrongType: 1 },
    ],
    ['edges: no rows', () => numericLayoutOf([]), { edges: [] }],
    [
      'edges: an infinite value at the end',
      () => numericLayoutOf([1, 2, 3, Number.POSITIVE_INFINITY], 2),
      refused('one is Infinity'),
    ],
    ['edges: NaN', () => numericLayoutOf([1, 2, 3, Number.NaN], 2), refused('one is NaN')],
    ['sketch: no rows', () => quantileOfSketch(emptySketch(), 0.5), null],
    ['sketch: an infinite value', () => addToSketch(emptySketch(), [Number.POSITIVE_INFINITY]), refused('Infinity')],
  ]);
});
