/** How a rollout is undone: each step registered before the one that it undoes, newest first, tried until it succeeds. */
import { log, sleep, workflowInfo } from '@temporalio/workflow';
import { minuteMs, secondMs } from '#domain/units.ts';
import { codeOf, isFailure, messageOf } from './failures.ts';
import { type Live, refOf } from './rollout-live.ts';
import type { Undo, Work } from './rollout-work.ts';
import { lastingSteps } from './step-options.ts';

/** Takes the candidate away, whatever stands of it. Where somebody else ended the rollout, that end stands. */
export const undoBegin =
  (live: Live): Undo =>
  async () => {
    try {
      const undone = await lastingSteps.endRollout.executeWithOptions({ summary: 'undo: all traffic to the champion' }, [
        {
          ...refOf(live),
          end: 'rolled back',
          expectedGeneration: null,
          by: workflowInfo().workflowId,
          reason: live.reason,
        },
      ]);
      return undone.generation;
    } catch (error) {
      if (codeOf(error) !== 'PRN_DEPLOY_CONFLICT' && codeOf(error) !== 'PRN_NOT_FOUND') throw error;
      log.warn('nothing to take away', { reason: messageOf(error) });
      return null;
    }
  };

/** Puts the champion back that was there before; where nothing was promoted, or something else happened since, that stands. */
export const undoPromotion =
  (live: Live): Undo =>
  async () => {
    const { championVersion } = live.plan.request;
    try {
      const undone = await lastingSteps.undoPromotion.executeWithOptions(
        { summary: `undo: back to version ${championVersion}` },
        [{ ...refOf(live), by: workflowInfo().workflowId, reason: live.reason }],
      );
      return undone.generation;
    } catch (error) {
      if (codeOf(error) !== 'PRN_DEPLOY_CONFLICT') throw error;
      log.warn('roll-back left out', { reason: messageOf(error) });
      return null;
    }
  };

/** A step back that does not succeed is tried for as long as it takes: a candidate must not stay by neglect. */
const insist = async (undo: Undo): Promise<number | null> => {
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

/** Undoes all that was begun; the generation that is set now, null where nothing was. */
export const undoAll = async ({ undo }: Work): Promise<number | null> => {
  let generation: number | null = null;
  for (const step of undo.splice(0).reverse()) generation = (await insist(step)) ?? generation;
  return generation;
};
