/** Takes back what is being rolled out, or puts an earlier champion back; needs no other workflow to be alive. */
import { getExternalWorkflowHandle, isCancellation, log, patched, setCurrentDetails, workflowInfo } from '@temporalio/workflow';
import type { Harmed, RollBackOutcome, RollBackPlan, RollBackRequest } from '#domain/contracts/rollout.ts';
import type { VersionNumber } from '#domain/units.ts';
import { confirmWayBack } from './confirm-end.ts';
import { asRunFailure, codeOf, failure, isFailure, messageOf } from './failures.ts';
import { rolloutEndedSignal } from './messages.ts';
import type { RolloutRef } from './rollout-steps.ts';
import { quickSteps } from './step-options.ts';

/** The rollout reads its end from PostgreSQL; it is only woken, and may be gone: then false. */
const wakeRollout = async (workflowId: string): Promise<boolean> => {
  try {
    await getExternalWorkflowHandle(workflowId).signal(rolloutEndedSignal);
    return true;
  } catch (error) {
    log.warn('rollout not woken', { workflowId, reason: (error as Error).message });
    return false;
  }
};

/** What became of the rollout; `tells` where it lives, and so tells people of its end itself. */
type EndedRollout = { readonly generation: number; readonly tells: boolean };

/** Where the rollout ended by itself meanwhile, its end stands: rolled back is what was wanted, promoted is refused. */
const endRollout = async ({ request, rollout }: RollBackPlan): Promise<EndedRollout | null> => {
  if (rollout === null) return null;
  const { pipeline, by, reason } = request;
  const { generation } = await quickSteps.endRollout.executeWithOptions({ summary: `take version ${rollout.version} back` }, [
    { pipeline, rolloutId: rollout.id, end: 'rolled back', expectedGeneration: null, by, reason: `${by}: ${reason}` },
  ]);
  return { generation, tells: await wakeRollout(rollout.workflowId) };
};

const restore = async ({ request, to }: RollBackPlan, generation: number): Promise<number | null> => {
  if (to === null) return null;
  const { pipeline, by, reason } = request;
  const restored = await quickSteps.restoreChampion.executeWithOptions({ summary: `version ${to} becomes champion again` }, [
    { pipeline, to, expectedGeneration: generation, by, reason },
  ]);
  return restored.generation;
};

const confirm = async ({ request, confirmWithinMs }: RollBackPlan, generation: number) => {
  const { pipeline } = request;
  return confirmWayBack(pipeline, generation, confirmWithinMs, async ({ reason }) => {
    const key = `${workflowInfo().workflowId}/${generation}/held`;
    const text = `${pipeline}: was rolled back, and not every server follows: ${reason}`.slice(0, 2_000);
    await quickSteps.sendNotice({ key, pipeline, event: 'held', text, link: `/pipelines/${pipeline}` });
  });
};

/** Guards notices beside the end of a rollout: roll-backs that began before told of none. */
const tellsBesideRollout = 'tell-beside-rollout';

const textOf = ({ request, rollout, to, championVersion }: RollBackPlan): string => {
  const { pipeline, by, reason } = request;
  if (to !== null) return `${pipeline}: ${by} put version ${to} back in place of ${championVersion}: ${reason}`;
  return `${pipeline}: ${by} took version ${rollout?.version} back, which was being rolled out: ${reason}`;
};

const tell = async (plan: RollBackPlan, ended: EndedRollout | null, generation: number): Promise<void> => {
  const { pipeline } = plan.request;
  const isToldOf = plan.to === null && ended?.tells === true;
  if (isToldOf || (ended !== null && !patched(tellsBesideRollout))) return;
  await quickSteps.sendNotice({
    key: `${workflowInfo().workflowId}/${generation}`,
    pipeline,
    event: 'rolled back',
    text: textOf(plan).slice(0, 2_000),
    link: `/pipelines/${pipeline}`,
  });
};

/** null where it cannot be counted: the way back is done all the same. */
const countHarm = async (ref: RolloutRef): Promise<Harmed | null> => {
  try {
    return await quickSteps.countHarm.executeWithOptions({ summary: 'whom did it answer?' }, [ref]);
  } catch (error) {
    if (isCancellation(error) || !isFailure(error)) throw error;
    log.error('harm not counted', { reason: messageOf(error) });
    return null;
  }
};

const nothingToDo = ({ request, championVersion }: RollBackPlan) =>
  failure(
    'PRN_CONFLICT',
    `Cannot roll "${request.pipeline}" back to version ${championVersion} as it is champion, and no rollout runs`,
  );

const run = async (plan: RollBackPlan): Promise<RollBackOutcome> => {
  const { request, rollout, to, championVersion } = plan;
  const ended = await endRollout(plan);
  const restored = await restore(plan, ended?.generation ?? request.generation);
  const generation = restored ?? ended?.generation ?? null;
  if (generation === null) throw nothingToDo(plan);
  const seen = await confirm(plan, generation);
  const ref = rollout === null ? null : { pipeline: request.pipeline, rolloutId: rollout.id };
  const outcome: RollBackOutcome = {
    pipeline: request.pipeline,
    championVersion: (to ?? championVersion) as VersionNumber,
    takenBack: (rollout?.version ?? championVersion) as VersionNumber,
    rolloutId: rollout?.id ?? null,
    generation,
    confirmed: seen.end === 'confirmed',
    observed: seen.reason,
    harmed: ref === null ? null : await countHarm(ref),
  };
  setCurrentDetails(`Version **${outcome.championVersion}** serves, version ${outcome.takenBack} does not: ${seen.reason}`);
  await tell(plan, ended, generation);
  return outcome;
};

/**
 * Takes the rollout of a pipeline back if one runs, else (or if a version is named) puts an earlier champion in its place;
 * ends when the servers that are alive report it. Its id names the generation that is taken back, so that two operators
 * who mean the same start one workflow. Messages: none. It does not continue as new: it has some tens of events.
 */
export async function rollBack(request: RollBackRequest): Promise<RollBackOutcome> {
  try {
    const summary = { summary: 'what is to be taken back?' };
    return await run(await quickSteps.planRollBack.executeWithOptions(summary, [request]));
  } catch (error) {
    if (!isFailure(error) || codeOf(error) === null) throw error;
    throw asRunFailure(error);
  }
}
