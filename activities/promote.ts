/** Changes of the champion, and the look at whether the servers follow. */
import type { Deployment, ServerReport } from '#domain/contracts/model-version.ts';
import type { PipelineName } from '#domain/units.ts';
import { retrainWorkflowId } from '../workflows/names.ts';
import type { ConfirmSummary, CpuSteps, PromoteInput, PromoteSummary } from '../workflows/steps.ts';
import type { CpuDeps } from './deps.ts';
import { reportAgeMs } from './rollout/report-age.ts';
import { compareServers, follows } from './rollout/servers.ts';

type PromoteDeps = Pick<CpuDeps, 'deployments'>;

/**
 * Idempotency key: run, version and the generation that it was compared with. The generation belongs to it because a
 * run that failed and starts again may promote the same version once more, at another generation.
 */
export const createPromoteVersion =
  (deps: PromoteDeps) =>
  async ({ pipeline, runKey, version, expectedGeneration, by, reason }: PromoteInput): Promise<PromoteSummary> => {
    const promoted = await deps.deployments.promote({
      pipeline,
      kind: 'promote',
      version,
      expectedGeneration,
      operationKey: `promote/${pipeline}/${runKey}/${version}/${expectedGeneration}`,
      actor: by,
      reason,
    });
    return { generation: promoted.generation, previousChampion: promoted.previousVersion };
  };

export const createRollBackPromotion =
  (deps: PromoteDeps) =>
  async (input: Parameters<CpuSteps['rollBackPromotion']>[0]): Promise<PromoteSummary> => {
    const promoted = await deps.deployments.promote({
      pipeline: input.pipeline,
      kind: 'rollback',
      version: input.to,
      expectedGeneration: input.refusedGeneration,
      operationKey: `rollback/${input.pipeline}/${input.refusedGeneration}`,
      actor: retrainWorkflowId(input.pipeline, input.runKey),
      reason: input.reason,
    });
    return { generation: promoted.generation, previousChampion: promoted.previousVersion };
  };

const plural = (count: number): string => `${count} server${count === 1 ? '' : 's'}`;

/** A server that is at a newer generation has passed ours: somebody changed it again meanwhile, and that is fine. */
const hasFollowed = (report: ServerReport, generation: number, deployment: Deployment): boolean =>
  report.state === 'serving' &&
  report.generation >= generation &&
  (report.generation !== deployment.generation || follows(report, deployment));

const explain = (servers: number, serving: number, refused: readonly ServerReport[], generation: number): string => {
  const first = refused[0];
  if (first !== undefined)
    return `Server "${first.serverId}" refused generation ${generation}: ${first.reason ?? 'no reason given'}`;
  if (servers === 0) return `No server is alive to serve generation ${generation}`;
  return `generation ${generation} is served by ${serving} of ${plural(servers)}`;
};

const look = async (deps: PromoteDeps, pipeline: PipelineName, generation: number): Promise<ConfirmSummary> => {
  const [deployment, reports] = await Promise.all([
    deps.deployments.get(pipeline),
    deps.deployments.serverReports(pipeline, reportAgeMs),
  ]);
  const refused = reports.filter((report) => report.state === 'refused' && report.generation === generation);
  const serving = reports.filter((report) => hasFollowed(report, generation, deployment)).length;
  const servers = reports.length;
  const behind = deployment.generation === generation ? compareServers(deployment, reports, []).behind : null;
  const reason = explain(servers, serving, refused, generation);
  return {
    confirmed: servers > 0 && serving === servers,
    servers,
    serving,
    refused: refused.length,
    reason: behind === null || refused.length > 0 ? reason : `${reason}: ${behind}`,
  };
};

export const createConfirmServing =
  (deps: PromoteDeps) =>
  ({ pipeline, generation }: Parameters<CpuSteps['confirmServing']>[0]): Promise<ConfirmSummary> =>
    look(deps, pipeline, generation);
