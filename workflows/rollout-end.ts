/** The end of a rollout: written, confirmed by what servers report, counted and told. */
import { CancelledFailure } from '@temporalio/common';
import { CancellationScope, log, workflowInfo } from '@temporalio/workflow';
import type { Harmed, RolloutOutcome } from '#domain/contracts/rollout.ts';
import { confirmGeneration, confirmWayBack } from './confirm-end.ts';
import { isFailure, messageOf } from './failures.ts';
import { type Live, refOf } from './rollout-live.ts';
import { tellPeople } from './rollout-record.ts';
import { undoAll } from './rollout-undo.ts';
import type { End, Work } from './rollout-work.ts';
import { quickSteps } from './step-options.ts';

/** A person for what was asked; harm that is shown is the rollout's own word. */
const actorOf = ({ asked }: Live, end: End['end']): string =>
  asked !== null && (asked.what === 'promote') === (end === 'promoted') ? asked.by : workflowInfo().workflowId;

/** Writes the end, fenced by the generation that was judged. */
export const endRollout = async (live: Live, end: End['end'], reason: string): Promise<End> => {
  const { generation } = await quickSteps.endRollout.executeWithOptions({ summary: `${end}: ${reason}`.slice(0, 200) }, [
    {
      ...refOf(live),
      end,
      expectedGeneration: end === 'promoted' ? live.generation : null,
      by: actorOf(live, end),
      reason,
    },
  ]);
  live.generation = generation;
  return { end, generation, reason };
};

/** A promotion that the servers do not follow is none: the champion of before is put back. */
const confirmPromotion = async (work: Work, end: End): Promise<Readonly<{ end: End; observed: string }>> => {
  const { live } = work;
  const { pipeline, version } = live.plan.request;
  const seen = await confirmGeneration(pipeline, end.generation, live.plan.confirmWithinMs);
  if (seen.end === 'confirmed') return { end, observed: seen.reason };
  if (seen.end === 'nobody') return { end, observed: `${seen.reason}, so this is unconfirmed` };
  const reason = `Version ${version} was promoted (${end.reason}) and taken back: ${seen.reason}`;
  live.reason = reason;
  const generation = await CancellationScope.nonCancellable(() => undoAll(work));
  return confirmBack(work, { end: 'rolled back', generation: generation ?? end.generation, reason });
};

const confirmBack = async ({ live }: Work, end: End): Promise<Readonly<{ end: End; observed: string }>> => {
  const { pipeline, version } = live.plan.request;
  const seen = await confirmWayBack(pipeline, end.generation, live.plan.confirmWithinMs, ({ reason }) =>
    tellPeople(live, 'held', `version ${version} was taken back, and not every server follows: ${reason}`, 'way back'),
  );
  return { end, observed: seen.reason };
};

/** null where it cannot be counted: the end stands all the same. */
const countHarm = async (live: Live): Promise<Harmed | null> => {
  try {
    return await quickSteps.countHarm.executeWithOptions({ summary: 'whom did it answer?' }, [refOf(live)]);
  } catch (error) {
    if (!isFailure(error)) throw error;
    log.error('harm not counted', { reason: messageOf(error) });
    return null;
  }
};

/** Counts the harm of a roll-back, tells people, and shows the end. */
const settle = async ({ live, board }: Work, end: End): Promise<Harmed | null> => {
  live.generation = end.generation;
  live.state = { ...live.state, phase: end.end, share: end.end === 'promoted' ? 1 : 0, hold: null };
  const harmed = end.end === 'rolled back' ? await countHarm(live) : null;
  const harm = harmed === null ? '' : `; ${harmed.requests} requests were answered by it, ${harmed.events} of them went wrong`;
  await tellPeople(live, end.end, `version ${live.plan.request.version} ${end.end}: ${end.reason}${harm}`);
  await board.show(live);
  return harmed;
};

/** Undoes what was begun, and is not over before servers report it: for a rollout that is cancelled, or cannot go on. */
export const takeBack = async (work: Work, reason: string): Promise<void> => {
  work.live.ending = true;
  work.live.reason = reason;
  const generation = await undoAll(work);
  if (generation === null) return;
  const { end } = await confirmBack(work, { end: 'rolled back', generation, reason });
  await settle(work, end);
};

/** Confirms the end by what servers report, counts the harm of a roll-back, and tells people. */
export const conclude = async (work: Work, decided: End): Promise<RolloutOutcome> => {
  const { live } = work;
  live.ending = true;
  live.reason = decided.reason;
  const confirm = decided.end === 'promoted' ? confirmPromotion : confirmBack;
  const { end, observed } = await confirm(work, decided);
  // A step that was under way when the run was cancelled may have ended well; the cancellation holds all the same.
  if (CancellationScope.current().consideredCancelled) throw new CancelledFailure('Cancelled before the end was confirmed');
  // From here on nothing is undone: the end is what was decided, and servers follow it.
  work.undo.length = 0;
  return CancellationScope.nonCancellable(async () => {
    const harmed = await settle(work, end);
    const { rolloutId, request } = live.plan;
    const { pipeline, version, championVersion } = request;
    return { rolloutId, pipeline, version, championVersion, ...end, observed, harmed };
  });
};
