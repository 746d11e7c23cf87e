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
  log,
  sleep,
  workflowInfo,
} from '@temporalio/workflow';
import type { Harmed, RolloutCarried, RolloutObservation, RolloutOutcome, RolloutRequest } from '#domain/contracts/rollout.ts';
import { startCanary } from '#domain/decide/canary/judge-canary.ts';
import { judgeRollout } from '#domain/decide/canary/judge-rollout.ts';
import type { Judged } from '#domain/decide/canary/move.ts';
import { promoteForWord, rollBackForWord } from '#domain/decide/canary/obey-person.ts';
import { minuteMs, secondMs } from '#domain/units.ts';
import { confirmGeneration, confirmWayBack } from './confirm-end.ts';
import { asRunFailure, codeOf, isFailure, messageOf } from './failures.ts';
import { createRolloutBoard, type RolloutBoard } from './rollout-board.ts';
import { openRolloutDesk, type RolloutDesk } from './rollout-desk.ts';
import { begin, carry, elapsedMs, type Live, takeUp } from './rollout-live.ts';
import { recordJudgement, tellPeople } from './rollout-record.ts';
import { lastingSteps, quickSteps } from './step-options.ts';

type End = { readonly end: 'promoted' | 'rolled back'; readonly generation: number; readonly reason: string };
type Undo = () => Promise<void>;
/** A rollout in work: what it knows, and how it is undone, oldest first. */
type Work = { readonly live: Live; readonly desk: RolloutDesk; readonly board: RolloutBoard; readonly undo: Undo[] };

const refOf = ({ plan }: Live) => ({ pipeline: plan.request.pipeline, rolloutId: plan.rolloutId });
const actorOf = (live: Live): string => live.asked?.by ?? workflowInfo().workflowId;
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

const endRollout = async (live: Live, end: End['end'], reason: string): Promise<End> => {
  const { generation } = await quickSteps.endRollout.executeWithOptions({ summary: `${end}: ${reason}`.slice(0, 200) }, [
    {
      ...refOf(live),
      end,
      expectedGeneration: end === 'promoted' ? live.generation : null,
      by: actorOf(live),
      reason,
    },
  ]);
  live.generation = generation;
  return { end, generation, reason };
};

/** Takes the candidate away, whatever stands of it. Where somebody else ended the rollout, that end stands. */
const undoBegin =
  (live: Live): Undo =>
  async () => {
    try {
      await lastingSteps.endRollout.executeWithOptions({ summary: 'undo: all traffic to the champion' }, [
        {
          ...refOf(live),
          end: 'rolled back',
          expectedGeneration: null,
          by: workflowInfo().workflowId,
          reason: live.reason,
        },
      ]);
    } catch (error) {
      if (codeOf(error) !== 'PRN_DEPLOY_CONFLICT' && codeOf(error) !== 'PRN_NOT_FOUND') throw error;
      log.warn('nothing to take away', { reason: messageOf(error) });
    }
  };

/** Puts the champion back that was there before; where somebody promoted again meanwhile, that newer decision stands. */
const undoPromotion =
  (live: Live, expectedGeneration: number): Undo =>
  async () => {
    const { pipeline, championVersion } = live.plan.request;
    try {
      await lastingSteps.restoreChampion.executeWithOptions({ summary: `undo: back to version ${championVersion}` }, [
        { pipeline, to: championVersion, expectedGeneration, by: workflowInfo().workflowId, reason: live.reason },
      ]);
    } catch (error) {
      if (codeOf(error) !== 'PRN_DEPLOY_CONFLICT') throw error;
      log.warn('roll-back left out', { reason: messageOf(error) });
    }
  };

/** A step back that does not succeed is tried for as long as it takes: a candidate must not stay by neglect. */
const insist = async (undo: Undo): Promise<void> => {
  for (let pauseMs = secondMs; ; pauseMs = Math.min(2 * pauseMs, minuteMs)) {
    try {
      return await undo();
    } catch (error) {
      if (!isFailure(error)) throw error;
      log.error('undoing failed; it is tried again', { reason: messageOf(error) });
      await sleep(pauseMs, { summary: 'undo again' });
    }
  }
};

const undoAll = async ({ undo }: Work): Promise<void> => {
  for (const step of undo.splice(0).reverse()) await insist(step);
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
  work.undo.push(undoPromotion(live, live.generation + 1));
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

/** A promotion that the servers do not follow is none: the champion of before is put back. */
const confirmPromotion = async (work: Work, end: End): Promise<Readonly<{ end: End; observed: string }>> => {
  const { live } = work;
  const { pipeline, version } = live.plan.request;
  const seen = await confirmGeneration(pipeline, end.generation, live.plan.confirmWithinMs);
  if (seen.end === 'confirmed') return { end, observed: seen.reason };
  if (seen.end === 'nobody') return { end, observed: `${seen.reason}, so this is unconfirmed` };
  const reason = `Version ${version} was promoted (${end.reason}) and taken back: ${seen.reason}`;
  live.reason = reason;
  await CancellationScope.nonCancellable(() => undoAll(work));
  return confirmBack(work, { end: 'rolled back', generation: end.generation + 1, reason });
};

const confirmBack = async ({ live }: Work, end: End): Promise<Readonly<{ end: End; observed: string }>> => {
  const { pipeline, version } = live.plan.request;
  const seen = await confirmWayBack(pipeline, end.generation, live.plan.confirmWithinMs, ({ reason }) =>
    tellPeople(live, 'held', `version ${version} was taken back, and not every server follows: ${reason}`),
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

/** Confirms the end by what servers report, counts the harm of a roll-back, and tells people. */
const conclude = async (work: Work, decided: End): Promise<RolloutOutcome> => {
  const { live, board } = work;
  live.ending = true;
  live.reason = decided.reason;
  const confirm = decided.end === 'promoted' ? confirmPromotion : confirmBack;
  const { end, observed } = await confirm(work, decided);
  // A step that was under way when the run was cancelled may have ended well; the cancellation holds all the same.
  if (CancellationScope.current().consideredCancelled) throw new CancelledFailure('Cancelled before the end was confirmed');
  live.generation = end.generation;
  live.state = { ...live.state, phase: end.end, share: end.end === 'promoted' ? 1 : 0, hold: null };
  // From here on nothing is undone: the end is what was decided, and servers follow it.
  work.undo.length = 0;
  return CancellationScope.nonCancellable(async () => {
    const harmed = end.end === 'rolled back' ? await countHarm(live) : null;
    const harm = harmed === null ? '' : `; ${harmed.requests} requests were answered by it, ${harmed.events} of them went wrong`;
    await tellPeople(live, end.end, `version ${live.plan.request.version} ${end.end}: ${end.reason}${harm}`);
    await board.show(live);
    const { rolloutId, request } = live.plan;
    const { pipeline, version, championVersion } = request;
    return { rolloutId, pipeline, version, championVersion, ...end, observed, harmed };
  });
};

const isCarried = (input: RolloutRequest | RolloutCarried): input is RolloutCarried => 'plan' in input;

const open = async (input: RolloutRequest | RolloutCarried): Promise<Live> => {
  if (isCarried(input)) return takeUp(input);
  const { firstExecutionRunId } = workflowInfo();
  const rolloutId = `${input.pipeline}/${input.version}/${firstExecutionRunId}`;
  const summary = { summary: `plan the rollout of version ${input.version}` };
  const plan = await quickSteps.planRollout.executeWithOptions(summary, [{ rolloutId, request: input }]);
  return begin(plan, startCanary(plan.policy));
};

const asThrown = (error: unknown): unknown => (isCancellation(error) || !isFailure(error) ? error : asRunFailure(error));

const takeBack = async (work: Work, error: unknown): Promise<void> => {
  work.live.ending = true;
  work.live.reason = isCancellation(error) ? 'Cancelled' : messageOf(error);
  await undoAll(work);
  await work.board.show({ ...work.live, state: { ...work.live.state, phase: 'rolled back', share: 0, hold: null } });
};

/** Null where a new history should go on. */
const runWork = async (work: Work, isNew: boolean): Promise<RolloutOutcome | null> => {
  try {
    if (isNew) await beginRollout(work);
    else work.undo.push(undoBegin(work.live));
    work.desk.open(work.live);
    await work.board.show(work.live);
    const end = await lookUntilEnd(work);
    return end === null ? null : await conclude(work, end);
  } catch (error) {
    if (!isFailure(error)) throw error;
    await CancellationScope.nonCancellable(() => takeBack(work, error));
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
  const desk = openRolloutDesk();
  const live = await open(input).catch((error: unknown) => {
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
