/** What a question on performance is about: model, reference, policy of labels, and how far back to look. */
import { type ModelPackage, modelPackageSchema } from '#domain/contracts/model-version.ts';
import type { PipelineSpec } from '#domain/contracts/pipeline-spec/pipeline-spec.ts';
import type { MetricName } from '#domain/contracts/pipeline-spec/training.ts';
import { type ReferencePerformance, type ReferenceProfile, referenceProfileSchema } from '#domain/contracts/reference-profile.ts';
import { fitsTask } from '#domain/stats/metrics/metrics.ts';
import { windowsBack } from '#domain/stats/performance/look-back.ts';
import type { LabelPolicy } from '#domain/stats/performance/maturity.ts';
import type { Instant } from '#domain/units.ts';
import type { PerformanceDeps, PerformanceQuestion, Span } from './performance-question.ts';

/** However long ago the last training was: labels older than this are no news. */
const mostWindowsBack = 120;

const usualMetric = { binary: 'roc_auc', multiclass: 'accuracy', regression: 'rmse' } as const;

export type Subject = {
  readonly question: PerformanceQuestion;
  readonly profile: ReferenceProfile;
  readonly reference: ReferencePerformance;
  readonly model: ModelPackage;
  readonly metric: MetricName;
  readonly policy: LabelPolicy;
  readonly nowMs: number;
  readonly windowMs: number;
  readonly isLeftOut: (span: Span) => boolean;
};

/** A metric that does not exist for the model's task measures nothing: the usual one does, and the report names it. */
const metricOf = ({ watch, gate }: PipelineSpec, task: ModelPackage['task']): MetricName => {
  const asked = watch.performance.metric ?? gate.metric;
  return asked !== undefined && fitsTask(asked, task) ? asked : usualMetric[task];
};

const policyOf = ({ watch }: PipelineSpec): LabelPolicy => {
  const { horizon = null, unlabelled } = watch.labels;
  return unlabelled === 'negative' && horizon !== null
    ? { unlabelled, horizonMs: horizon }
    : { unlabelled: 'unknown', horizonMs: horizon };
};

export const readSubject = async (deps: PerformanceDeps, question: PerformanceQuestion): Promise<Subject | null> => {
  const { version, spec, dataTime, quarantined } = question;
  if (version.profileSha256 === null) return null;
  const profile = referenceProfileSchema.parse(await deps.content.getJson(version.profileSha256));
  if (profile.performance === null) return null;
  const model = modelPackageSchema.parse(await deps.content.getJson(version.modelSha256));
  return {
    question,
    profile,
    reference: profile.performance,
    model,
    metric: metricOf(spec, model.task),
    policy: policyOf(spec),
    nowMs: Date.parse(dataTime),
    windowMs: profile.season.windowMs,
    isLeftOut: ({ from, to }) => quarantined.some((broken) => broken.from < to && from < broken.to),
  };
};

export const instantOf = (ms: number): Instant => new Date(ms).toISOString() as Instant;

/** Where events begin that matter: so many windows, after the time that labels may take, and all since the last training. */
export const beginOf = ({ question, nowMs, windowMs, policy }: Subject): number => {
  const { data } = question.spec;
  const waitMs = Math.max(policy.horizonMs ?? 0, data.label.known_after);
  const usual = nowMs - 2 * waitMs - windowsBack * windowMs;
  const trained = question.labelsSince === null ? usual : Date.parse(question.labelsSince);
  const begin = Math.max(Math.min(usual, trained), nowMs - 2 * waitMs - mostWindowsBack * windowMs);
  return Math.floor(begin / windowMs) * windowMs;
};
