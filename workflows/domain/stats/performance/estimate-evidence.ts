import type { Evidence } from '../../contracts/evidence.ts';
import type { ReferencePerformance } from '../../contracts/reference-profile.ts';

/** An estimate of a metric that was made without labels, on so many rows. */
export type LabelFreeEstimate = {
  readonly metric: string;
  readonly value: number;
  readonly rows: number;
  readonly better: 'higher' | 'lower';
};

/** Three standard errors either way hold 99.73 % of a normal distribution. */
const bandErrors = 3;
const bandConfidence = 0.9973;

export const estimateEvidenceId = (metric: string): string => `estimate/${metric}/window against reference`;

/**
 * How far an estimate without labels lies from the reference, turned so that more is better, within three standard errors
 * of the metric on that many rows: 3 * deviation per row / sqrt(rows). The band is that of the metric with labels, which
 * is wider than that of its estimate.
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
  const gain = better === 'higher' ? value - known : known - value;
  const standardError = deviation / Math.sqrt(rows);
  return {
    ...common,
    kind: 'interval',
    estimate: gain,
    lower: gain - bandErrors * standardError,
    upper: gain + bandErrors * standardError,
    confidence: bandConfidence,
    sides: 'two',
    standardError,
    method: 'three standard errors of the reference',
  };
};
