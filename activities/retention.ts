/** One day of the retention: a summary for the history; all of it is in `retention_log`. */
import type { PipelineRetention, RetentionReport } from '../infra/retention/apply-retention.ts';
import type { RetentionSteps, RetentionSummary } from '../workflows/retention-steps.ts';
import type { CpuDeps } from './deps.ts';
import type { StepContext } from './step-context.ts';

/** A thousand pipelines may each have a reason; a person reads some. */
const mostTold = 20;

const summarise = ({ pipelines, problems, garbage, garbageHeld }: RetentionReport): RetentionSummary => {
  const sum = (of: (one: PipelineRetention) => number): number => pipelines.reduce((total, one) => total + of(one), 0);
  const held = pipelines.flatMap(({ pipeline, held: reasons }) => reasons.map((reason) => `${pipeline}: ${reason}`));
  return {
    pipelines: pipelines.length,
    predictions: sum(({ predictions }) => predictions.rows),
    labels: sum(({ predictions }) => predictions.labels),
    snapshots: sum(({ snapshots }) => snapshots),
    runs: sum(({ runs }) => runs),
    objects: garbage?.deleted ?? 0,
    held: [...(garbageHeld === null ? [] : [garbageHeld]), ...held].slice(0, mostTold),
    problems: problems.map(({ pipeline, reason }) => `${pipeline}: ${reason}`).slice(0, mostTold),
  };
};

export const createExpireData =
  ({
    applyRetention,
  }: Pick<CpuDeps, 'applyRetention'>): ((
    input: Parameters<RetentionSteps['expireData']>[0],
    context: StepContext,
  ) => Promise<RetentionSummary>) =>
  async (_input, { signal, heartbeat }) =>
    summarise(await applyRetention({ isForReal: true, signal, heartbeat }));
