import type { Evidence } from '#domain/contracts/evidence.ts';
import type { ReferencePerformance } from '#domain/contracts/reference-profile.ts';
import { decideEstimate } from '#domain/decide/performance/estimate-breach.ts';
import { decideGain } from '#domain/decide/performance/performance-breach.ts';
import { decideCalibration } from '#domain/decide/performance/recalibrate.ts';
import { adwin } from '#domain/stats/detectors/adwin.ts';
import { ddm } from '#domain/stats/detectors/ddm.ts';
import { type Detector, driftsOf, runDetector, type Signal } from '#domain/stats/detectors/detector.ts';
import { pageHinkley } from '#domain/stats/detectors/page-hinkley.ts';
import { calibrationErrorByMass, spiegelhalterTest } from '#domain/stats/metrics/calibration.ts';
import { calibrationNull } from '#domain/stats/metrics/calibration-null.ts';
import { measure } from '#domain/stats/metrics/metrics.ts';
import type { Scored } from '#domain/stats/metrics/scored.ts';
import { calibrationEvidence } from '#domain/stats/performance/calibration-evidence.ts';
import { calibrationPolicy } from '#domain/stats/performance/calibration-policy.ts';
import { calibrateAll } from '#domain/stats/performance/calibrator.ts';
import { compareWindow, performanceEvidenceId } from '#domain/stats/performance/compare-window.ts';
import { compareEstimate, estimateEvidenceId } from '#domain/stats/performance/estimate-evidence.ts';
import { cellsOfRows, estimatePerformance } from '#domain/stats/performance/label-free-estimate.ts';
import { boundShareArrived, estimateLagCurve } from '#domain/stats/performance/lag-curve.ts';
import { controlBand } from '#domain/stats/performance/reference-performance.ts';
import type { Random } from '#domain/stats/random.ts';
import { finish } from '#domain/stats/steps.ts';
import { dayMs } from '#domain/units.ts';
import {
  binaryOf,
  calibratorOf,
  type Days,
  daysOf,
  distanceOfArea,
  promisedDays,
  promises,
  referenceOf,
  referenceOfDays,
  rightWith,
  twoNormals,
} from '../performance/worlds.ts';
import { exponential } from '../samplers.ts';
import { countOf, type Finding, type Measured, type Scenario, type Target } from '../scenario.ts';

type Metric = 'accuracy' | 'roc_auc' | 'brier';
const confidence = 0.95;

const isBreach = (evidence: Evidence, metric: Metric, tolerated: number): boolean =>
  decideGain(evidence, { evidenceId: performanceEvidenceId(metric), tolerated, confidence }).outcome === 'fail';

const breaches = (metric: Metric, window: Scored, reference: ReferencePerformance, tolerated: number): boolean =>
  isBreach(finish(compareWindow({ metric, window, reference, clusters: null, confidence, seed: 1 })), metric, tolerated);

/** A drop of the point estimate alone. */
const seemsWorse = (metric: Metric, window: Scored, reference: ReferencePerformance, tolerated: number): boolean => {
  const change = (measure(metric, window) as number) - (reference.metrics[metric] as number);
  return (metric === 'brier' ? change : -change) > tolerated;
};

/** Outside three standard errors of the reference on so many rows, on the wrong side. */
const leavesBand = (metric: Metric, window: Scored, reference: ReferencePerformance): boolean => {
  const value = measure(metric, window) as number;
  const band = controlBand(reference, metric, window.labels.length);
  return band !== null && (metric === 'brier' ? value > band.high : value < band.low);
};

/** A pair of worlds in which the second has lost exactly what is tolerated: the worst case without a breach. */
type Edge = {
  readonly name: string;
  readonly metric: Metric;
  readonly tolerated: number;
  readonly rows: readonly [reference: number, window: number];
  readonly world: (random: Random, rows: number, isWindow: boolean) => Scored;
};

const edges: readonly Edge[] = [
  {
    name: 'accuracy 0.80 to 0.78, 2000 and 400 rows',
    metric: 'accuracy',
    tolerated: 0.02,
    rows: [2000, 400],
    world: (random, rows, isWindow) => rightWith(random, rows, isWindow ? 0.78 : 0.8),
  },
  {
    name: 'accuracy 0.98 to 0.97, 150 and 1000 rows',
    metric: 'accuracy',
    tolerated: 0.01,
    rows: [150, 1000],
    world: (random, rows, isWindow) => rightWith(random, rows, isWindow ? 0.97 : 0.98),
  },
  {
    name: 'ROC AUC 0.90 to 0.89, 1000 and 300 rows, a fifth positive',
    metric: 'roc_auc',
    tolerated: 0.01,
    rows: [1000, 300],
    world: (random, rows, isWindow) => twoNormals(random, rows, 0.2, distanceOfArea(isWindow ? 0.89 : 0.9)),
  },
  {
    // Of probabilities u that come true with u the Brier score is 1/6, of those that come true with 1 - u it is 1/2.
    name: 'Brier score 1/6 to 1/6 + 0.01, 300 and 300 rows',
    metric: 'brier',
    tolerated: 0.01,
    rows: [300, 300],
    world: (random, rows, isWindow) => {
      const { answers } = promises(random, rows);
      const turned = isWindow ? 0.03 : 0;
      return binaryOf(
        Uint8Array.from(answers, (answer) => (random() < (random() < turned ? 1 - answer : answer) ? 1 : 0)),
        answers,
      );
    },
  },
];

const level = (edge: Edge): Scenario => ({
  name: `a drop that is just tolerated: ${edge.name}`,
  claim: 'A matured window that has lost exactly what is tolerated is called a breach in at most 5 % of windows.',
  rows: (full): Finding[] => {
    const { metric, tolerated, rows, world } = edge;
    const trials = full ? 3000 : 40;
    const rules = { ours: 0, point: 0, band: 0 };
    countOf(`performance: ${edge.name}`, trials, (random) => {
      const reference = referenceOf(world(random, rows[0], false), metric);
      const window = world(random, rows[1], true);
      if (breaches(metric, window, reference, tolerated)) rules.ours += 1;
      if (seemsWorse(metric, window, reference, tolerated)) rules.point += 1;
      if (leavesBand(metric, window, reference)) rules.band += 1;
      return false;
    });
    const what = 'called a breach';
    return [
      { what, rule: 'ours', successes: rules.ours, trials, target: { operator: '<=', value: 0.05 } },
      { what, rule: 'point estimate alone', successes: rules.point, trials, target: null },
      { what, rule: 'three standard errors of the reference', successes: rules.band, trials, target: null },
    ];
  },
});

type Alarms = { ours: number; point: number; band: number };

/** How many of so many models are called worse, by each rule, in any of their windows of 2000 labels. */
const alarmsOf = (name: string, trials: number, area: number, windows: number): Alarms => {
  const alarms: Alarms = { ours: 0, point: 0, band: 0 };
  const distances = { before: distanceOfArea(0.9), after: distanceOfArea(area) };
  countOf(`performance: the area, ${name}`, trials, (random) => {
    const reference = referenceOf(twoNormals(random, 5000, 0.3, distances.before), 'roc_auc');
    const seen = Array.from({ length: windows }, () => twoNormals(random, 2000, 0.3, distances.after));
    if (seen.some((window) => breaches('roc_auc', window, reference, 0.01))) alarms.ours += 1;
    if (seen.some((window) => seemsWorse('roc_auc', window, reference, 0.01))) alarms.point += 1;
    if (seen.some((window) => leavesBand('roc_auc', window, reference))) alarms.band += 1;
    return false;
  });
  return alarms;
};

const detection: Scenario = {
  name: 'ROC AUC falls from 0.90 to 0.87',
  claim: 'With 2000 matured labels a window the fall is a breach within 3 windows in at least 90 % of cases; without it, seldom.',
  rows: (full): Finding[] => {
    const trials = full ? 600 : 4;
    const found = { what: 'found within 3 windows', trials };
    const fall = alarmsOf('a fall', trials, 0.87, 3);
    const quiet = { what: 'alarm in a quiet window', trials };
    const still = alarmsOf('no fall', trials, 0.9, 1);
    return [
      { ...found, rule: 'ours', successes: fall.ours, target: { operator: '>=', value: 0.9 } },
      { ...found, rule: 'three standard errors of the reference', successes: fall.band, target: null },
      { ...found, rule: 'point estimate alone', successes: fall.point, target: null },
      { ...quiet, rule: 'ours', successes: still.ours, target: { operator: '<=', value: 0.01 } },
      { ...quiet, rule: 'three standard errors of the reference', successes: still.band, target: null },
      { ...quiet, rule: 'point estimate alone', successes: still.point, target: null },
    ];
  },
};

const calibrationLevel: Scenario = {
  name: 'probabilities that are true',
  claim: 'Tests of calibration at 5 % reject true probabilities in about 5 % of windows, also where they are small or few.',
  rows: (full): Finding[] => {
    const trials = full ? 3000 : 20;
    return [
      { rows: 60, skew: 1 },
      { rows: 500, skew: 3 },
      { rows: 2000, skew: 1 },
    ].flatMap(({ rows, skew }) => {
      const what = `rejected, ${rows} rows${skew > 1 ? ', small probabilities' : ''}`;
      const rate = (rule: string, rejects: (window: Scored) => boolean, target: Target | null): Finding => {
        const successes = countOf(`performance: true probabilities ${rows}`, trials, (random) =>
          rejects(promises(random, rows, skew)),
        );
        return { what, rule, successes, trials, target };
      };
      const byError = ({ labels, answers }: Scored) =>
        (calibrationNull(labels, answers, { cells: 10, draws: full ? 199 : 99, seed: 5 })?.pValue ?? 1) <= 0.05;
      const bySpiegelhalter = ({ labels, answers }: Scored) => (spiegelhalterTest(labels, answers)?.pValue ?? 1) <= 0.05;
      return [
        rate('ours, calibration error', byError, { operator: '<=', value: 0.05 }),
        rate('ours, Spiegelhalter', bySpiegelhalter, { operator: '<=', value: 0.06 }),
        rate('calibration error > 0.05', ({ labels, answers }) => calibrationErrorByMass(labels, answers, 10) > 0.05, null),
      ];
    });
  },
};

const medianOf = (what: string, rule: string, values: readonly number[]): Measured => {
  const sorted = values.toSorted((left, right) => left - right);
  return { what, rule, value: sorted[sorted.length >> 1] ?? Number.NaN, unit: 'items', target: null };
};

/** Where a rule fires first from a place on; null where it does not. */
type Watch = (series: readonly number[], random: Random) => readonly number[];

const byDetector =
  <State extends { readonly signal: Signal }>(detector: Detector<State>): Watch =>
  (series) =>
    driftsOf(runDetector(detector, series));

/** Windows of 1000 against a reference of 10,000 rows that is drawn too. */
const byWindows: Watch = (series, random) => {
  const reference = referenceOf(rightWith(random, 10_000, 0.9), 'accuracy');
  const alarms: number[] = [];
  for (let end = 1000; end <= series.length; end += 1000) {
    const labels = new Float64Array(1000).fill(1);
    const answers = series.slice(end - 1000, end).map((error) => 1 - error);
    if (breaches('accuracy', binaryOf(labels, answers), reference, 0.01)) alarms.push(end - 1);
  }
  return alarms;
};

const watches: readonly (readonly [string, Watch, boolean])[] = [
  ['ours, windows of 1000', byWindows, true],
  ['DDM 2/3', byDetector(ddm()), false],
  ['Page-Hinkley 50', byDetector(pageHinkley()), false],
  ['Page-Hinkley 25', byDetector(pageHinkley({ threshold: 25 })), false],
  ['ADWIN 0.002', byDetector(adwin()), false],
];

const errorsOf = (random: Random, length: number, change: number): number[] =>
  Array.from({ length }, (_, time) => (random() < (time < change ? 0.1 : 0.15) ? 1 : 0));

const streams: Scenario = {
  name: 'streams of errors',
  claim:
    'Windows with a test find a rise of the error rate from 0.10 to 0.15 as soon as stream detectors do, with few false alarms.',
  rows: (full): Finding[] => {
    const trials = full ? 300 : 3;
    return watches.flatMap(([rule, watch, isOurs]): Finding[] => {
      const falseAlarms = countOf('performance: quiet errors', trials, (random) => {
        const series = errorsOf(random, 10_000, 10_000);
        return watch(series, random).length > 0;
      });
      const delays: number[] = [];
      const missed = countOf('performance: rising errors', trials, (random) => {
        const series = errorsOf(random, 8000, 2000);
        const first = watch(series, random).find((index) => index >= 2000);
        if (first !== undefined) delays.push(first - 2000);
        return first === undefined;
      });
      const target = (value: number): Target | null => (isOurs ? { operator: '<=', value } : null);
      return [
        { what: 'any alarm in 10,000 quiet items', rule, successes: falseAlarms, trials, target: target(0.1) },
        { what: 'missed within 6000 items', rule, successes: missed, trials, target: target(0.01) },
        medianOf('median delay', rule, delays),
      ];
    });
  },
};

const withoutLabels: Scenario = {
  name: 'estimates without labels',
  claim:
    'The estimate follows a shift of the inputs within 0.015 of accuracy, seldom alarms without one, and is blind to concept drift.',
  rows: (full): Finding[] => {
    const trials = full ? 300 : 3;
    const errors: number[] = [];
    const alarms = { quiet: 0, concept: 0, labelled: 0 };
    countOf('performance: without labels', trials, (random) => {
      const reference = promises(random, 10_000, 1, 2);
      const known = referenceOf(reference, 'accuracy');
      const { calibrator, error } = calibratorOf(reference);
      const estimate = ({ answers }: Scored) =>
        estimatePerformance(cellsOfRows(answers, calibrateAll(calibrator, answers), 0.5))?.metrics.accuracy ?? Number.NaN;
      const isAlarm = (window: Scored): boolean => {
        const found = {
          metric: 'accuracy',
          value: estimate(window),
          rows: window.labels.length,
          better: 'higher',
          windowMs: dayMs,
        } as const;
        const policy = {
          evidenceId: estimateEvidenceId('accuracy'),
          tolerated: 0.01,
          confidence: 0.9973,
          largestCalibrationError: 0.03,
        };
        return decideEstimate(compareEstimate(found, known), error, policy).outcome === 'fail';
      };
      const shifted = promises(random, 20_000, 0.4, 2);
      errors.push(Math.abs(estimate(shifted) - (measure('accuracy', shifted) as number)));
      if (isAlarm(promises(random, 2000, 1, 2))) alarms.quiet += 1;
      // The same inputs mean something else: accuracy falls by a fifth.
      const turned = promises(random, 2000, 1, 6);
      if (isAlarm(turned)) alarms.concept += 1;
      if (breaches('accuracy', turned, known, 0.01)) alarms.labelled += 1;
      return false;
    });
    const mean = errors.reduce((sum, one) => sum + one, 0) / errors.length;
    const spread = Math.sqrt(errors.reduce((sum, one) => sum + (one - mean) ** 2, 0) / (errors.length - 1));
    const reach = (2.576 * spread) / Math.sqrt(errors.length);
    return [
      {
        what: 'mean distance of the estimate from the truth after a shift',
        rule: 'ours',
        value: mean,
        unit: 'of accuracy',
        between: [mean - reach, mean + reach],
        target: { operator: '<=', value: 0.015 },
      },
      {
        what: 'alarm in a quiet window',
        rule: 'ours, without labels',
        successes: alarms.quiet,
        trials,
        target: { operator: '<=', value: 0.01 },
      },
      { what: 'concept drift found', rule: 'ours, without labels', successes: alarms.concept, trials, target: null },
      {
        what: 'concept drift found',
        rule: 'ours, matured labels',
        successes: alarms.labelled,
        trials,
        target: { operator: '>=', value: 0.95 },
      },
    ];
  },
};

const lags: Scenario = {
  name: 'lags of labels that are still awaited',
  claim: 'The 95 % limits of the share arrived miss the truth in about 5 % of windows; the share of labels seen is far off.',
  rows: (full): Finding[] => {
    const trials = full ? 3000 : 100;
    const truth = 1 - Math.exp(-1);
    const counts = { ours: 0, naive: 0 };
    countOf('performance: lags', trials, (random) => {
      const rows = Array.from({ length: 300 }, () => ({ lag: exponential(random), age: 2.5 * random() }));
      const curve = estimateLagCurve({
        waitsMs: rows.map(({ lag, age }) => Math.min(lag, age)),
        arrived: rows.map(({ lag, age }) => (lag <= age ? 1 : 0)),
      });
      const bounds = boundShareArrived(curve, 1, 0.95);
      if (bounds === null || truth < bounds.lower || truth > bounds.upper) counts.ours += 1;
      const seen = rows.filter(({ lag, age }) => lag <= age && lag <= 1).length / rows.length;
      if (Math.abs(seen - truth) > 1.96 * Math.sqrt((truth * (1 - truth)) / rows.length)) counts.naive += 1;
      return false;
    });
    const what = 'truth missed';
    return [
      { what, rule: 'ours', successes: counts.ours, trials, target: { operator: '<=', value: 0.06 } },
      { what, rule: 'share of labels seen', successes: counts.naive, trials, target: null },
    ];
  },
};

/** How often nothing that was lost is called a loss, of windows of so many days against seven. */
const weather = (metric: Metric, days: number): Scenario => ({
  name: `days with a weather of their own, windows of ${days === 1 ? '1 day' : `${days} days`}, ${metric}`,
  claim: 'Where days differ and nothing was lost, a window is called worse in about 5 % of cases.',
  rows: (full): Finding[] => {
    const trials = full ? 1000 : 10;
    const rules = { ours: 0, independent: 0 };
    countOf(`performance: weather, ${days} days, ${metric}`, trials, (random) => {
      const reference = referenceOfDays(daysOf(random, 7, 400), metric);
      const { scored, clusters } = daysOf(random, days, 400);
      const question = { metric, window: scored, reference, confidence, seed: 1 };
      if (isBreach(finish(compareWindow({ ...question, clusters })), metric, 0)) rules.ours += 1;
      if (breaches(metric, scored, reference, 0)) rules.independent += 1;
      return false;
    });
    const what = 'called worse';
    return [
      { what, rule: 'ours', successes: rules.ours, trials, target: { operator: '<=', value: 0.06 } },
      { what, rule: 'rows as independent', successes: rules.independent, trials, target: null },
    ];
  },
});
const weathers = [weather('roc_auc', 1), weather('roc_auc', 7), weather('accuracy', 1), weather('brier', 1)];

/** What days with a weather of their own asks for, where the ranking holds. */
const asksForCalibration = ({ scored, clusters }: Days, isByDay: boolean): boolean => {
  const rows = { labels: scored.labels, probabilities: scored.answers, clusters: isByDay ? clusters : null };
  const ranking = { outcome: 'pass' as const, reason: '', inequalities: [], evidenceIds: [] };
  return decideCalibration(ranking, calibrationEvidence(rows, rows, 5), calibrationPolicy).remedy === 'recalibrate';
};

const calibrationOfDays = (days: number, shift: number, target: Target): Scenario => ({
  name: `calibration of ${days} days with a weather of their own${shift === 0 ? '' : `, labels ${shift} oftener than promised`}`,
  claim:
    shift === 0
      ? 'Where days differ and the probabilities are true on average, they ask for a new calibration in at most 5 % of cases.'
      : 'Where they are wrong by as much as one day usually is, two weeks say so, and one week in a good part of cases.',
  rows: (full): Finding[] => {
    const rate = (rule: string, isByDay: boolean, trials: number, aim: Target | null): Finding => {
      const successes = countOf(`performance: calibration of ${days} days, ${shift}`, trials, (random) =>
        asksForCalibration(promisedDays(random, days, 400, shift), isByDay),
      );
      return { what: 'asks for calibration', rule, successes, trials, target: aim };
    };
    return [rate('ours', true, full ? 2000 : 40, target), rate('rows as independent', false, full ? 200 : 5, null)];
  },
});

export const scenarios: readonly Scenario[] = [
  ...edges.map(level),
  detection,
  ...weathers,
  calibrationLevel,
  calibrationOfDays(7, 0, { operator: '<=', value: 0.06 }),
  calibrationOfDays(14, 0, { operator: '<=', value: 0.06 }),
  calibrationOfDays(7, 0.1, { operator: '>=', value: 0.35 }),
  calibrationOfDays(14, 0.1, { operator: '>=', value: 0.8 }),
  streams,
  withoutLabels,
  lags,
];
