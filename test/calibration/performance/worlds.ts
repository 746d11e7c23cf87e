/** Models whose performance is known: what they answer, and what is true. */
import type { ReferencePerformance } from '#domain/contracts/reference-profile.ts';
import { type Clusters, effectiveClusters } from '#domain/stats/comparison/clusters.ts';
import { calibrationErrorByMass } from '#domain/stats/metrics/calibration.ts';
import { measure } from '#domain/stats/metrics/metrics.ts';
import type { Scored } from '#domain/stats/metrics/scored.ts';
import { calibrateAll, fitCalibrator } from '#domain/stats/performance/calibrator.ts';
import { clusteredError, clusterSpread, metricOfClusters } from '#domain/stats/performance/cluster-metrics.ts';
import { deviationPerRow } from '#domain/stats/performance/metric-uncertainty.ts';
import type { Random } from '#domain/stats/random.ts';
import { normalUpperTail } from '#domain/stats/special/normal.ts';
import { finish } from '#domain/stats/steps.ts';
import { normal } from '../samplers.ts';

export const binaryOf = (labels: ArrayLike<number>, answers: ArrayLike<number>): Scored => ({
  task: 'binary',
  classes: 2,
  labels,
  answers,
});

/** Scores of two classes that lie `distance` standard deviations apart; the area under the curve is Phi(distance / sqrt 2). */
export const twoNormals = (random: Random, rows: number, positiveShare: number, distance: number): Scored => {
  const labels = Uint8Array.from({ length: rows }, () => (random() < positiveShare ? 1 : 0));
  // Squeezed into (0, 1), so that the scores may be called probabilities; the ranking is that of the normals.
  const answers = Float64Array.from(labels, (label) => 1 / (1 + Math.exp(-normal(random, label * distance))));
  return binaryOf(labels, answers);
};

/** Distance of two normals whose area under the curve it is. */
export const distanceOfArea = (area: number): number => {
  let [low, high] = [0, 10];
  for (let step = 0; step < 60; step += 1) {
    const middle = (low + high) / 2;
    if (1 - normalUpperTail(middle / Math.SQRT2) < area) low = middle;
    else high = middle;
  }
  return low;
};

/** Answers that are right with a probability; the labels are those of a coin. */
export const rightWith = (random: Random, rows: number, share: number): Scored => {
  const labels = Uint8Array.from({ length: rows }, () => (random() < 0.5 ? 1 : 0));
  return binaryOf(
    labels,
    Float64Array.from(labels, (label) => (random() < share ? label : 1 - label)),
  );
};

/** Probabilities that are u to the power `skew`, and labels that come true with that to the power `bend`. */
export const promises = (random: Random, rows: number, skew = 1, bend = 1): Scored => {
  const answers = Float64Array.from({ length: rows }, () => random() ** skew);
  return binaryOf(
    Uint8Array.from(answers, (answer) => (random() < answer ** bend ? 1 : 0)),
    answers,
  );
};

export type Days = { readonly scored: Scored; readonly clusters: Clusters };

/** Days with a weather of their own: on each the scores tell the classes apart, and the classes are mixed, a little otherwise. */
export const daysOf = (random: Random, days: number, rows: number): Days => {
  const parts = Array.from({ length: days }, () => {
    const share = 1 / (1 + Math.exp(1 - 0.8 * normal(random)));
    return twoNormals(random, rows, share, 1.2 * (1 + 0.15 * normal(random)));
  });
  const flat = (of: 'labels' | 'answers'): Float64Array => Float64Array.from(parts.flatMap((part) => Array.from(part[of])));
  const ids = Uint32Array.from({ length: days * rows }, (_, row) => Math.floor(row / rows));
  return { scored: binaryOf(flat('labels'), flat('answers')), clusters: { by: 'day', ids, count: days } };
};

/** Days on which what was promised comes true up to a weather of up to 0.15 either way, and on all of them `shift` oftener. */
export const promisedDays = (random: Random, days: number, rows: number, shift: number): Days => {
  const weather = Array.from({ length: days }, () => 0.3 * random() - 0.15);
  const ids = Uint32Array.from({ length: days * rows }, (_, row) => Math.floor(row / rows));
  const answers = Float64Array.from(ids, () => 0.25 + 0.5 * random());
  const labels = Uint8Array.from(answers, (answer, row) =>
    random() < answer + shift + (weather[ids[row] as number] as number) ? 1 : 0,
  );
  return { scored: binaryOf(labels, answers), clusters: { by: 'day', ids, count: days } };
};

/** A reference that also knows how its days differ. */
export const referenceOfDays = ({ scored, clusters }: Days, metric: 'accuracy' | 'roc_auc' | 'brier'): ReferencePerformance => {
  const error = finish(clusteredError(metric, scored, clusters, 1)) ?? 0;
  const each = clusterSpread(finish(metricOfClusters(metric, scored, clusters, 1)));
  const known = { unit: 'day' as const, count: clusters.count, effective: effectiveClusters(clusters) };
  return {
    ...referenceOf(scored, metric),
    clusters: { ...known, error: { [metric]: error }, each: each === null ? {} : { [metric]: each } },
  };
};

/** What later windows are compared with, with one metric only: the others would cost a bootstrap each. */
export const referenceOf = (scored: Scored, metric: 'accuracy' | 'roc_auc' | 'brier'): ReferencePerformance => {
  const value = measure(metric, scored);
  const deviation = finish(deviationPerRow(metric, scored, 1));
  return {
    rows: scored.labels.length,
    metrics: value === null ? {} : { [metric]: value },
    perRowDeviation: deviation === null ? {} : { [metric]: deviation },
    calibrator: null,
    calibrationError: null,
  };
};

/** Probabilities by a calibrator that is fitted on one half of the reference, and its error on the other. */
export const calibratorOf = (scored: Scored) => {
  const half = scored.labels.length >> 1;
  const part = (values: ArrayLike<number>, from: number, to: number) => Array.from(values).slice(from, to);
  const calibrator = fitCalibrator(part(scored.labels, 0, half), part(scored.answers, 0, half));
  if (calibrator === null) throw new RangeError('Cannot calibrate as there must be rows of both classes');
  const others = calibrateAll(calibrator, part(scored.answers, half, 2 * half));
  return { calibrator, error: calibrationErrorByMass(part(scored.labels, half, 2 * half), others, 10) };
};
