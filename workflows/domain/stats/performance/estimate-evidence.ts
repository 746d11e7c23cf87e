import type { Evidence } from '../../contracts/evidence.ts';
import type { ReferencePerformance } from '../../contracts/reference-profile.ts';
import { dayMs, hourMs } from '../../units.ts';
import { fewestClusters } from '../comparison/clusters.ts';
import { studentUpperQuantile } from '../special/student-t.ts';

/** An estimate of a metric that was made without labels, on so many rows. */
export type LabelFreeEstimate = {
  readonly metric: string;
  readonly value: number;
  readonly rows: number;
  readonly better: 'higher' | 'lower';
  /** How long its window is, for how many days or hours it holds. */
  readonly windowMs: number;
};

/** Three standard errors either way hold 99.73 % of a normal distribution. */
const bandErrors = 3;
const bandConfidence = 0.9973;

export const estimateEvidenceId = (metric: string): string => `estimate/${metric}/window against reference`;

/**
 * How far an estimate without labels lies from the reference, turned so that more is better, within three standard errors
 * of the metric on that many rows: 3 * deviation per row / sqrt(rows). The band is that of the metric with labels, which
 * is wider than that of its estimate. Where days (or hours) of the reference differ, it is wider by what they differ by, with
 * Student's t by their number, and a window of fewer than 5 of them is compared with their mean.
 *
 * Insufficient where the reference lacks the metric or its deviation, and without rows.
 *
 * Source: Shewhart (1931), control limits.
 */
export const compareEstimate = (estimate: LabelFreeEstimate, reference: ReferencePerformance): Evidence => {
  const { metric, value, rows, better } = estimate;
  const common = {
    id: estimateEvidenceId(metric),
    what: `${metric} without labels, ${better === 'higher' ? 'window minus reference' : 'reference minus window'}`,
    rows,
  };
  const known = reference.metrics[metric];
  const deviation = reference.perRowDeviation[metric];
  if (known === undefined || deviation === undefined)
    return { ...common, kind: 'insufficient', reason: `the reference has no ${metric} with its deviation` };
  if (!(rows > 0)) return { ...common, kind: 'insufficient', reason: `rows ${rows} > 0 does not hold` };
  const { expected, standardError, errors, method } = bandOfClusters(estimate, reference) ?? {
    expected: known,
    standardError: deviation / Math.sqrt(rows),
    errors: bandErrors,
    method: 'three standard errors of the reference',
  };
  const gain = better === 'higher' ? value - expected : expected - value;
  return {
    ...common,
    kind: 'interval',
    estimate: gain,
    lower: gain - errors * standardError,
    upper: gain + errors * standardError,
    confidence: bandConfidence,
    sides: 'two',
    standardError,
    method,
  };
};

const lengthMs = { day: dayMs, hour: hourMs } as const;

type Band = { readonly expected: number; readonly standardError: number; readonly errors: number; readonly method: string };

/** Null where rows are independent, or belong together by something else than time. */
const bandOfClusters = ({ metric, rows, windowMs }: LabelFreeEstimate, reference: ReferencePerformance): Band | null => {
  const { clusters } = reference;
  const each = clusters?.each[metric];
  if (clusters == null || each === undefined || Array.isArray(clusters.unit)) return null;
  const count = Math.max(1, windowMs / lengthMs[clusters.unit]);
  const ofRows = (reference.perRowDeviation[metric] as number) / Math.sqrt(rows);
  return {
    expected: count < fewestClusters ? each.mean : (reference.metrics[metric] as number),
    standardError: Math.hypot(ofRows, each.between / Math.sqrt(count), each.meanError),
    errors: studentUpperQuantile((1 - bandConfidence) / 2, each.clusters - 1),
    method: `control limits of ${each.clusters} clusters by ${clusters.unit}`,
  };
};
