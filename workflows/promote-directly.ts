/**
 * Promotion in one move: all traffic at once, after the servers' own check of the new model. For a first champion, and
 * for runs that began before there were rollouts.
 */
import { CancellationScope, log, sleep } from '@temporalio/workflow';
import type { RetrainPlan } from '#domain/contracts/retrain.ts';
import { secondMs } from '#domain/units.ts';
import { codeOf, failure, isFailure, messageOf } from './failures.ts';
import { quickSteps } from './step-options.ts';
import type { ConfirmSummary, PromoteInput, PromoteSummary } from './steps.ts';

export type Promotion = { readonly generation: number; readonly reason: string };

/** Looks at growing distances: a small model is there at once, a large one takes its time. */
const firstLookMs = 100;
const lastLookMs = 5 * secondMs;

/**
 * Without a server that is alive by then, the promotion stands unconfirmed. Shorter, and a server that was just
 * starting is overlooked; longer, and every run on a machine without servers waits for nothing.
 */
const aliveWithinMs = 5 * secondMs;

type Watched = ConfirmSummary & { readonly end: 'confirmed' | 'refused' | 'nobody' | 'late' };

const judge = (seen: ConfirmSummary, waitedMs: number, withinMs: number): Watched['end'] | null => {
  if (seen.refused > 0) return 'refused';
  if (seen.confirmed) return 'confirmed';
  if (seen.servers === 0 && waitedMs >= Math.min(aliveWithinMs, withinMs)) return 'nobody';
  return waitedMs >= withinMs ? 'late' : null;
};

const watchServers = async (plan: RetrainPlan, generation: number): Promise<Watched> => {
  const startedAt = Date.now();
  for (let pauseMs = firstLookMs; ; pauseMs = Math.min(2 * pauseMs, lastLookMs)) {
    const seen = await quickSteps.confirmServing.executeWithOptions({ summary: `who serves generation ${generation}?` }, [
      { pipeline: plan.pipeline, generation },
    ]);
    const end = judge(seen, Date.now() - startedAt, plan.confirmWithinMs);
    if (end !== null) return { ...seen, end };
    await sleep(pauseMs, { summary: `servers follow generation ${generation}` });
  }
};

/** Puts the previous champion back. Where somebody promoted again meanwhile, that newer decision stands. */
const rollBack = async (input: PromoteInput, promoted: PromoteSummary, reason: string): Promise<void> => {
  const { pipeline, runKey, definitionSha256 } = input;
  try {
    await quickSteps.rollBackPromotion.executeWithOptions({ summary: `back to version ${promoted.previousChampion ?? 'none'}` }, [
      { pipeline, runKey, definitionSha256, refusedGeneration: promoted.generation, to: promoted.previousChampion, reason },
    ]);
  } catch (error) {
    if (codeOf(error) !== 'PRN_DEPLOY_CONFLICT') throw error;
    log.warn('roll-back left out', { reason: messageOf(error) });
  }
};

const confirmOrThrow = async (plan: RetrainPlan, version: number, generation: number): Promise<string> => {
  const seen = await watchServers(plan, generation);
  if (seen.end === 'confirmed') return seen.reason;
  if (seen.end === 'nobody') return `${seen.reason}, so this is unconfirmed`;
  const what =
    seen.end === 'refused' ? 'no server must refuse it' : `all servers must serve it within ${plan.confirmWithinMs / 1000} s`;
  throw failure('PRN_DEPLOY_REFUSED', `Cannot promote version ${version} as ${what}: ${seen.reason}`);
};

/**
 * Throws PRN_DEPLOY_CONFLICT where another champion serves by now, and PRN_DEPLOY_REFUSED where the servers do not follow;
 * then, as after a cancellation, the champion is what it was before.
 */
export const promoteDirectly = async (plan: RetrainPlan, input: PromoteInput): Promise<Promotion> => {
  // Shielded, so that we always know whether it happened.
  const promoted = await CancellationScope.nonCancellable(() =>
    quickSteps.promoteVersion.executeWithOptions({ summary: `version ${input.version} becomes champion` }, [input]),
  );
  try {
    return { generation: promoted.generation, reason: await confirmOrThrow(plan, input.version, promoted.generation) };
  } catch (error) {
    if (!isFailure(error)) throw error;
    await CancellationScope.nonCancellable(() => rollBack(input, promoted, messageOf(error)));
    throw error;
  }
};
