/**
 * One rollout: a candidate beside the champion, judged while it answers. See `rollOut` at the end for the story.
 */
import { CancelledFailure } from '@temporalio/common';
import {
  allHandlersFinished,
  CancellationScope,
  condition,
  continueAsNew,
  isCancellation,
  workflowInfo,
} from '@temporalio/workflow';
import type { RolloutCarried, RolloutObservation, RolloutOutcome, RolloutRequest } from '#domain/contracts/rollout.ts';
import { startCanary } from '#domain/decide/canary/judge-canary.ts';
import { judgeRollout } from '#domain/decide/canary/judge-rollout.ts';
import type { Judged } from '#domain/decide/canary/move.ts';
import { promoteForWord, rollBackForWord } from '#domain/decide/canary/obey-person.ts';
import { asRunFailure, codeOf, failure, isFailure, messageOf } from './failures.ts';
import { rolloutIdOf } from './names.ts';
import { createRolloutBoard } from './rollout-board.ts';
import { openRolloutDesk } from './rollout-desk.ts';
import { conclude, endRollout, takeBack } from './rollout-end.ts';
import { begin, carry, elapsedMs, type Live, refOf, takeUp } from './rollout-live.ts';
import { recordJudgement, tellPeople } from './rollout-record.ts';
import { undoBegin, undoPromotion } from './rollout-undo.ts';
import type { End, Work } from './rollout-work.ts';
import { quickSteps } from './step-options.ts';

/** Distances between looks grow by this until they are the longest. */
const pauseGrowth = 1.5;

const observe = (live: Live): Promise<RolloutObservation> =>
  quickSteps.observeRollout.executeWithOptions({ summary: `look ${live.looks + 1}` }, [
    { ...refOf(live), elapsedMs: elapsedMs(live) },
  ]);

const judge = (live: Live, observation: RolloutObservation): Judged => {
  if (live.asked === null) return judgeRollout(live.plan, live.state, observation);
  if (live.asked.what === 'roll back') return rollBackForWord(live.state, live.asked);
  return promoteForWord(live.plan, live.state, observation, live.asked);
};

const beginRollout = async (work: Work): Promise<void> => {
  const { live } = work;
  work.undo.push(undoBegin(live));
  // Shielded, so that we always know whether it happened.
  const { generation } = await CancellationScope.nonCancellable(() =>
    quickSteps.beginRollout.executeWithOptions({ summary: `begin with a share of ${live.plan.firstShare}` }, [
      { plan: live.plan, workflowId: workflowInfo().workflowId },
    ]),
  );
  live.generation = generation;
};

const shift = async (live: Live, judged: Judged): Promise<void> => {
  const { share } = judged.decision;
  const shifted = await quickSteps.shiftTraffic.executeWithOptions({ summary: `share ${share}` }, [
    {
      ...refOf(live),
      share,
      expectedGeneration: live.generation,
      by: workflowInfo().workflowId,
      reason: judged.decision.reason,
    },
  ]);
  live.generation = shifted.generation;
  live.pauseMs = live.plan.look.firstMs;
};

/** Promotes in one move. The way back is registered first: the move may have happened although nobody heard of it. */
const promote = async (work: Work, reason: string): Promise<End> => {
  const { live } = work;
  work.undo.push(undoPromotion(live));
  return CancellationScope.nonCancellable(() => endRollout(live, 'promoted', reason));
};

/** Does what was decided; null while the rollout goes on. */
const act = async (work: Work, judged: Judged): Promise<End | null> => {
  const { live } = work;
  const { action, alert, reason } = judged.decision;
  if (alert && action === 'hold') await tellPeople(live, 'held', `version ${live.plan.request.version} is held: ${reason}`);
  if (action === 'advance') await shift(live, judged);
  if (action === 'promote') return promote(work, reason);
  return action === 'roll back' ? endRollout(live, 'rolled back', reason) : null;
};

/** One look. Where somebody else ended the rollout, also between look and deed, that end is ours. */
const lookOnce = async (work: Work): Promise<End | null> => {
  const { live, board } = work;
  const observation = await observe(live);
  if (observation.ended !== null) return observation.ended;
  const judged = judge(live, observation);
  const before = { ...live };
  // At once, before anything is awaited: who holds while a decision is carried out holds the state after it.
  live.state = judged.state;
  live.reason = judged.decision.reason;
  live.looks += 1;
  await recordJudgement(live, before.state, observation, judged);
  await board.show(live);
  try {
    return await act(work, judged);
  } catch (error) {
    if (codeOf(error) !== 'PRN_DEPLOY_CONFLICT') throw error;
    const { ended } = await observe(live);
    if (ended === null) throw error;
    return ended;
  }
};

const isLong = ({ plan }: Live): boolean =>
  workflowInfo().historyLength >= plan.continueAfterEvents || workflowInfo().continueAsNewSuggested;

/** Looks until the rollout has an end; null where the history is long, and a new one should go on. */
const lookUntilEnd = async (work: Work): Promise<End | null> => {
  const { live, desk } = work;
  for (;;) {
    const end = await lookOnce(work);
    if (end !== null) return end;
    if (isLong(live)) return null;
    await desk.pause(live.pauseMs);
    live.pauseMs = Math.min(live.plan.look.lastMs, Math.ceil(live.pauseMs * pauseGrowth));
  }
};

const isCarried = (input: RolloutRequest | RolloutCarried): input is RolloutCarried => 'plan' in input;

/** What the history before knew; null for a rollout that begins. */
const known = (input: RolloutRequest | RolloutCarried): Live | null =>
  isCarried(input) && input.format === 1 ? takeUp(input) : null;

const open = async (input: RolloutRequest | RolloutCarried): Promise<Live> => {
  if (input.format !== 1 || isCarried(input)) {
    throw failure('PRN_INPUT_INVALID', `Cannot roll out as the input must have format 1: it has ${String(input.format)}`);
  }
  const { firstExecutionRunId } = workflowInfo();
  const rolloutId = rolloutIdOf(input.pipeline, input.version, firstExecutionRunId);
  const summary = { summary: `plan the rollout of version ${input.version}` };
  const plan = await quickSteps.planRollout.executeWithOptions(summary, [{ rolloutId, request: input }]);
  return begin(plan, startCanary(plan.policy));
};

const asThrown = (error: unknown): unknown => (isCancellation(error) || !isFailure(error) ? error : asRunFailure(error));

/** Null where a new history should go on. */
const runWork = async (work: Work, isNew: boolean): Promise<RolloutOutcome | null> => {
  try {
    if (isNew) await beginRollout(work);
    else work.undo.push(undoBegin(work.live));
    work.desk.open(work.live);
    await work.board.show(work.live);
    const end = await lookUntilEnd(work);
    if (end !== null) return await conclude(work, end);
    // A new history is not cancelled: what was asked of this one must not be lost with it.
    if (CancellationScope.current().consideredCancelled) throw new CancelledFailure('Cancelled');
    return null;
  } catch (error) {
    if (!isFailure(error)) throw error;
    const reason = isCancellation(error) ? 'Cancelled' : messageOf(error);
    await CancellationScope.nonCancellable(() => takeBack(work, reason));
    throw error;
  }
};

/**
 * Rolls one candidate out: plans, puts it beside the champion with its first share, and looks at growing distances. Each
 * look brings counters as evidence; `judgeRollout` compares them and says wait, hold, advance, promote or roll back. It
 * ends promoted or rolled back, and not before the servers report so. Cancelled or failing at any point, it returns all
 * traffic to the champion first.
 *
 * Messages: query `status`; updates `hold`, `resume`, `promote`, `rollBack`; signal `rolloutEnded`, which only wakes: that
 * somebody else ended it is read from PostgreSQL. It continues as new when its history is long, with `RolloutCarried`.
 * Order and names of steps, timers and waits may not be changed without a version marker.
 */
export async function rollOut(input: RolloutRequest | RolloutCarried): Promise<RolloutOutcome> {
  const before = known(input);
  const desk = openRolloutDesk(before);
  const begun = before === null ? open(input) : Promise.resolve(before);
  const live = await begun.catch((error: unknown) => {
    throw asThrown(error);
  });
  const work: Work = { live, desk, board: createRolloutBoard(), undo: [] };
  const outcome = await runWork(work, !isCarried(input)).catch((error: unknown) => {
    throw asThrown(error);
  });
  // Shielded: what is decided, confirmed and told is not called cancelled any more.
  await CancellationScope.nonCancellable(() => condition(allHandlersFinished));
  if (outcome !== null) return outcome;
  return continueAsNew<typeof rollOut>(carry(live));
}
