import type { Deployment, ModelVersion } from '#domain/contracts/model-version.ts';
import type { PipelineName } from '#domain/units.ts';
import { findDeployment } from '../postgres/deployments.ts';
import type { PromotionRecord } from '../postgres/registry.ts';
import { type Finding, findingsOf, type VerifyDeps } from './finding.ts';

const shown = (version: number | null | undefined): string => (version == null ? 'none' : String(version));

/** Oldest first: every promotion follows the one before it. */
const historyProblems = (history: readonly PromotionRecord[]): string[] => {
  const problems: string[] = [];
  let champion: number | null = null;
  for (const [index, promotion] of history.entries()) {
    if (promotion.generation !== index + 1) problems.push(`generation ${index + 1} must be among its promotions: it is not`);
    if (promotion.previousVersion !== champion) {
      const is = shown(promotion.previousVersion);
      problems.push(`promotion ${promotion.generation} must have followed champion ${shown(champion)}: it says ${is}`);
    }
    champion = promotion.version;
  }
  return problems;
};

const stateProblems = (
  deployment: Deployment,
  history: readonly PromotionRecord[],
  champions: readonly ModelVersion[],
): string[] => {
  const problems: string[] = [];
  const last = history.at(-1);
  const [champion, second] = champions;
  const is = deployment.champion;
  if (second) problems.push(`one version at most must be champion: ${champions.map((one) => one.version).join(', ')} are`);
  if (deployment.generation !== (last?.generation ?? 0)) {
    problems.push(`generation must be that of the last promotion, ${last?.generation ?? 0}: it is ${deployment.generation}`);
  }
  if (shown(is?.version) !== shown(last?.version)) {
    problems.push(`version ${shown(last?.version)} must be deployed, as promoted last: ${shown(is?.version)} is`);
  }
  if (shown(is?.version) !== shown(champion?.version) || is?.modelSha256 !== champion?.modelSha256) {
    problems.push(
      `the deployed model must be the champion, version ${shown(champion?.version)}: it is version ${shown(is?.version)}`,
    );
  }
  return problems;
};

/** Promotions of the audit log, by operation key: written in the same transaction, so both are there or neither. */
const auditProblems = async (
  { db }: VerifyDeps,
  pipeline: PipelineName,
  history: readonly PromotionRecord[],
): Promise<string[]> => {
  const rows = await db
    .selectFrom('audit_log')
    .select('detail')
    .where('subject', '=', pipeline)
    .where('action', 'in', ['champion promoted', 'champion rolled back'])
    .execute();
  const audited = new Set(rows.map((row) => String((row.detail as { operationKey?: unknown }).operationKey)));
  const missing = history.filter((one) => !audited.has(one.operationKey));
  const problems = missing.map((one) => `promotion ${one.generation} must be in the audit log: it is not`);
  if (audited.size > history.length)
    problems.push(`all ${audited.size} promotions of the audit log must have a row: ${history.length} have`);
  return problems;
};

/** I4: at most one champion a pipeline, and deployment, stages, promotions and audit log tell of the same one. */
export const verifyDeployments = async (deps: VerifyDeps): Promise<readonly Finding[]> => {
  const pipelines = (await deps.db.selectFrom('pipelines').select('name').orderBy('name').execute()).map(
    (row) => row.name as PipelineName,
  );
  const broken: { subject: string; statement: string }[] = [];
  let promotions = 0;
  for (const pipeline of pipelines) {
    const history = [...(await deps.registry.promotions(pipeline))].reverse();
    const champions = (await deps.registry.list(pipeline)).filter((one) => one.stage === 'champion');
    const problems = [
      ...historyProblems(history),
      ...stateProblems(await findDeployment(deps.db, pipeline), history, champions),
      ...(await auditProblems(deps, pipeline, history)),
    ];
    promotions += history.length;
    for (const problem of problems) broken.push({ subject: pipeline, statement: `Deployment of "${pipeline}": ${problem}` });
  }
  return findingsOf(
    'I4',
    broken,
    `All ${pipelines.length} pipelines have one champion or none, as their ${promotions} promotions say`,
  );
};
