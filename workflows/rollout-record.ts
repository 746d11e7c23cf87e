/** What a rollout leaves behind: a row for each decision, and notices to people. */
import type { CanaryDecision, CanaryState } from '#domain/contracts/canary.ts';
import type { RolloutObservation } from '#domain/contracts/rollout.ts';
import type { Judged } from '#domain/decide/canary/move.ts';
import type { NoticeEvent } from '#domain/notice-events.ts';
import type { Instant } from '#domain/units.ts';
import type { Live } from './rollout-live.ts';
import { quickSteps } from './step-options.ts';
import { passOverUntold } from './untold.ts';

/**
 * Two looks that decide the same for the same want are one row: what tells them apart is the action, who holds, and which
 * comparisons do not hold, but not their numbers. The next row says how many looks lie between.
 */
const signatureOf = (decision: CanaryDecision, state: CanaryState): string => {
  const missing = decision.inequalities.filter(({ holds }) => !holds).map(({ what }) => what);
  return JSON.stringify([decision.action, decision.share, state.hold?.by ?? null, ...new Set(missing)]);
};

/** Records a decision unless it repeats the one before it; every move has its row. */
export const recordJudgement = async (
  live: Live,
  before: CanaryState,
  observation: RolloutObservation,
  judged: Judged,
): Promise<void> => {
  const { plan } = live;
  const { decision, state } = judged;
  const signature = signatureOf(decision, state);
  const moves = decision.action !== 'wait' && decision.action !== 'hold';
  if (!moves && signature === live.lastSignature) {
    live.unrecorded += 1;
    return;
  }
  const { canary, ...beside } = observation;
  await quickSteps.recordDecision.executeWithOptions({ summary: `${decision.action}: ${decision.reason}`.slice(0, 200) }, [
    {
      format: 1,
      key: `${plan.rolloutId}/${live.recorded + 1}`,
      pipeline: plan.request.pipeline,
      kind: 'rollout',
      subject: plan.rolloutId,
      at: new Date(Date.now()).toISOString() as Instant,
      action: decision.action,
      reason: decision.reason,
      inequalities: decision.inequalities,
      evidenceIds: decision.evidenceIds,
      input: { policy: plan.policy, rules: plan.rules, state: before, observation: canary, beside, looksBefore: live.unrecorded },
      output: { state, decision },
    },
  ]);
  live.recorded += 1;
  live.unrecorded = 0;
  live.lastSignature = signature;
};

/**
 * Tells people; the key is the rollout, what happened, and the decision that it comes from, with what else of the same kind
 * comes from it. That nobody can be told, say because the newest definition cannot be read, is no reason to take a candidate
 * back.
 */
export const tellPeople = async (
  live: Live,
  event: NoticeEvent,
  text: string,
  besides: 'way back' | null = null,
): Promise<void> => {
  try {
    await sendNotice(live, event, text, besides);
  } catch (error) {
    passOverUntold(event, error);
  }
};

const sendNotice = async (live: Live, event: NoticeEvent, text: string, besides: string | null): Promise<void> => {
  const { rolloutId, request } = live.plan;
  const key = `${rolloutId}/${event}/${live.recorded}`;
  await quickSteps.sendNotice.executeWithOptions({ summary: `tell: ${event}` }, [
    {
      key: besides === null ? key : `${key}/${besides}`,
      pipeline: request.pipeline,
      event,
      text: `${request.pipeline}: ${text}`.slice(0, 2_000),
      link: `/pipelines/${request.pipeline}`,
    },
  ]);
};
