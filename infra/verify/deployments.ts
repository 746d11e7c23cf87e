import type { Deployment, ModelVersion } from '#domain/contracts/model-version.ts';
import type { RolloutRecord } from '#domain/contracts/rollout.ts';
import type { PipelineName } from '#domain/units.ts';
import { findDeployment } from '../postgres/deployments.ts';
import type { PromotionRecord } from '../postgres/registry.ts';
import { createRollouts } from '../postgres/rollouts.ts';
import { type Finding, findingsOf, type VerifyDeps } from './finding.ts';

const shown = (version: number | null | undefined): string => (version == null ? 'none' : String(version));

type Known = {
  readonly deployment: Deployment;
  /** Oldest first. */
  readonly history: readonly PromotionRecord[];
  readonly rollouts: readonly RolloutRecord[];
  readonly champions: readonly ModelVersion[];
};

/** Every promotion follows the one before it. */
const historyProblems = ({ history }: Known): string[] => {
  const problems: string[] = [];
  let champion: number | null = null;
  for (const promotion of history) {
    if (promotion.previousVersion !== champion) {
      const is = shown(promotion.previousVersion);
      problems.push(`promotion ${promotion.generation} must have followed champion ${shown(champion)}: it says ${is}`);
    }
    champion = promotion.version;
  }
  return problems;
};

/** Every generation is a promotion or a share of a rollout; a rollout that promoted is both. */
const generationProblems = ({ deployment, history, rollouts }: Known): string[] => {
  const shifts = rollouts.flatMap(({ segments }) => segments.map(({ generation }) => generation));
  const known = new Set([...history.map(({ generation }) => generation), ...shifts]);
  const last = Math.max(0, ...known);
  const missing = Array.from({ length: last }, (_, index) => index + 1).filter((generation) => !known.has(generation));
  const problems = missing.map((one) => `generation ${one} must be among its promotions and rollouts: it is not`);
  if (deployment.generation !== last) {
    problems.push(`generation must be that of the last change, ${last}: it is ${deployment.generation}`);
  }
  return problems;
};

const championProblems = ({ deployment, history, champions }: Known): string[] => {
  const problems: string[] = [];
  const last = history.at(-1);
  const [champion, second] = champions;
  const is = deployment.champion;
  if (second) problems.push(`one version at most must be champion: ${champions.map((one) => one.version).join(', ')} are`);
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

/** A candidate is deployed while its rollout runs and at no other time, with the share of its newest segment. */
const rolloutProblems = ({ deployment, rollouts }: Known): string[] => {
  const running = rollouts.find(({ state }) => state === 'running');
  const is = deployment.rollout;
  if (running === undefined) return is === null ? [] : [`no candidate must be deployed: version ${is.candidate.version} is`];
  if (is?.id !== running.id || is.candidate.version !== running.version) {
    return [`the candidate of rollout "${running.id}" must be deployed: version ${shown(is?.candidate.version)} is`];
  }
  const share = running.segments.at(-1)?.share;
  return is.share === share ? [] : [`the candidate must have a share of ${share}, as shifted last: it has ${is.share}`];
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

const read = async (deps: VerifyDeps, pipeline: PipelineName): Promise<Known> => ({
  deployment: await findDeployment(deps.db, pipeline),
  history: [...(await deps.registry.promotions(pipeline))].reverse(),
  rollouts: await createRollouts(deps.db).list(pipeline, Number.MAX_SAFE_INTEGER),
  champions: (await deps.registry.list(pipeline)).filter((one) => one.stage === 'champion'),
});

/** I4: at most one champion a pipeline, and deployment, stages, promotions and audit log tell of the same one. */
export const verifyDeployments = async (deps: VerifyDeps): Promise<readonly Finding[]> => {
  const pipelines = (await deps.db.selectFrom('pipelines').select('name').orderBy('name').execute()).map(
    (row) => row.name as PipelineName,
  );
  const broken: { subject: string; statement: string }[] = [];
  let promotions = 0;
  let rollouts = 0;
  for (const pipeline of pipelines) {
    const known = await read(deps, pipeline);
    const problems = [
      ...historyProblems(known),
      ...generationProblems(known),
      ...championProblems(known),
      ...rolloutProblems(known),
      ...(await auditProblems(deps, pipeline, known.history)),
    ];
    promotions += known.history.length;
    rollouts += known.rollouts.length;
    for (const problem of problems) broken.push({ subject: pipeline, statement: `Deployment of "${pipeline}": ${problem}` });
  }
  return findingsOf(
    'I4',
    broken,
    `All ${pipelines.length} pipelines have one champion or none, as their ${promotions} promotions and ${rollouts} rollouts say`,
  );
};
