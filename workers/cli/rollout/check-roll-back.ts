/** Whether a roll-back can be done, asked before anything is started: a refusal is no failed workflow. */
import type { RollBackPlan, RollBackRequest, RolloutRecord } from '#domain/contracts/rollout.ts';
import { PerennialError } from '#domain/errors.ts';
import type { PipelineName, VersionNumber } from '#domain/units.ts';
import { createPlanRollBack } from '../../../activities/rollout/plan-roll-back.ts';
import type { createRollouts } from '../../../infra/postgres/rollouts.ts';
import type { Context } from '../context.ts';
import { type Despite, type QuestionNeeds, reasonOnRecord } from './same-question.ts';

type Needs = Pick<Context, 'deployments' | 'registry'> & { readonly rollouts: ReturnType<typeof createRollouts> };

const generationOf = ({ segments }: RolloutRecord): number => segments.at(-1)?.generation ?? 0;

/** The last rollout of a version where it was taken back, and nobody has made it champion since. */
const findTakenBack = async (needs: Needs, pipeline: PipelineName, version: VersionNumber): Promise<RolloutRecord | null> => {
  const [rollouts, promotions] = await Promise.all([needs.rollouts.list(pipeline), needs.registry.promotions(pipeline)]);
  const last = rollouts.find((rollout) => rollout.version === version);
  if (last?.state !== 'rolled back') return null;
  return promotions.some((one) => one.version === version && one.generation > generationOf(last)) ? null : last;
};

const refuseNothing = ({ request, rollout, to, championVersion }: RollBackPlan): void => {
  if (rollout !== null || to !== null) return;
  const message = `Cannot roll "${request.pipeline}" back to version ${championVersion} as it is champion, and no rollout runs`;
  throw new PerennialError('PRN_CONFLICT', message);
};

/**
 * What would be done now. Throws PRN_NOT_FOUND and PRN_CONFLICT as the workflow would, and PRN_CONFLICT where the version
 * that is named was itself taken back, unless it is forced; without a name nobody is asked for more than the one command.
 */
export const checkRollBack = async (needs: Needs, request: RollBackRequest, isForced: boolean): Promise<RollBackPlan> => {
  const plan = await createPlanRollBack(needs)(request);
  refuseNothing(plan);
  const { pipeline, to } = request;
  const takenBack = to === null || isForced ? null : await findTakenBack(needs, pipeline, to);
  if (takenBack === null) return plan;
  const harm =
    takenBack.harmed === null ? '' : `; ${takenBack.harmed.events} of its ${takenBack.harmed.requests} requests went wrong`;
  throw new PerennialError(
    'PRN_CONFLICT',
    `Cannot put version ${to} of "${pipeline}" in front of everybody without --force as it was taken back itself: ${takenBack.reason}${harm}`,
  );
};

type Accepted = { readonly force?: boolean; readonly despite?: Despite };

/**
 * The request with the reason that goes on record. Throws as above, and PRN_DEPLOY_QUESTION where a version would serve
 * that answers another question than the champion; a candidate is taken back whatever it answers.
 */
export const requestOnRecord = async (
  needs: Needs & QuestionNeeds,
  request: RollBackRequest,
  { force, despite }: Accepted,
): Promise<RollBackRequest> => {
  const { to, championVersion } = await checkRollBack(needs, request, force === true);
  if (to === null) return request;
  const { pipeline, reason } = request;
  const champion = championVersion === null ? null : await needs.registry.get(pipeline, championVersion);
  const wish = { attempt: `Cannot put version ${to} of "${pipeline}" in front of everybody`, reason, despite: despite ?? null };
  return { ...request, reason: await reasonOnRecord(needs, { pipeline, version: to }, champion, wish) };
};
