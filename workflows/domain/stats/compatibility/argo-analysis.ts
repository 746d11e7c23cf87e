export type ArgoMeasurement = 'Successful' | 'Failed' | 'Inconclusive' | 'Error';
export type ArgoPhase = ArgoMeasurement | 'Running';

export type ArgoLimits = {
  /** Measurements of a metric after which it is complete; without it the metric runs until it is ended. */
  readonly count?: number;
  readonly failureLimit?: number;
  readonly inconclusiveLimit?: number;
  readonly consecutiveErrorLimit?: number;
};

/**
 * Argo's rule for one metric of an analysis: to compare with in simulations, never to decide.
 *
 * Limits are exceeded, not reached: with a failure limit of 3 the fourth failed measurement fails the metric. Errors count
 * in a row only. Without a measurement it is Running; `argoRun` says what comes of that.
 *
 * Source: Argo Rollouts' analysis, as read in its source: limits 0, 0 and 4 where nothing is said.
 */
export const argoMetric = (measurements: readonly ArgoMeasurement[], limits: ArgoLimits = {}): ArgoPhase => {
  const { failureLimit = 0, inconclusiveLimit = 0, consecutiveErrorLimit = 4 } = limits;
  const seen = { Successful: 0, Failed: 0, Inconclusive: 0, Error: 0 };
  let errorsInRow = 0;
  for (const measurement of measurements) {
    seen[measurement] += 1;
    errorsInRow = measurement === 'Error' ? errorsInRow + 1 : 0;
    if (seen.Failed > failureLimit) return 'Failed';
    if (seen.Inconclusive > inconclusiveLimit) return 'Inconclusive';
    if (errorsInRow > consecutiveErrorLimit) return 'Error';
  }
  const counted = seen.Successful + seen.Failed + seen.Inconclusive;
  return limits.count !== undefined && counted >= limits.count ? 'Successful' : 'Running';
};

const worstFirst: readonly ArgoPhase[] = ['Failed', 'Error', 'Inconclusive', 'Running', 'Successful'];

/**
 * Argo's rule for an analysis that is ended from outside: the worst metric, metrics that still run counting as successful.
 * So an analysis that never measured anything passes: it fails open.
 *
 * Source: the same.
 */
export const argoRun = (metrics: readonly ArgoPhase[]): ArgoPhase => {
  const ended = metrics.map((phase): ArgoPhase => (phase === 'Running' ? 'Successful' : phase));
  return worstFirst.find((phase) => ended.includes(phase)) ?? 'Successful';
};
