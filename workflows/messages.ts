/** Messages of all workflows: names and payload types, defined once. */
import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow';
import type { CanaryHold, CanaryState } from '#domain/contracts/canary.ts';
import type { StageName } from '#domain/contracts/retrain.ts';
import type { RetrainAsked } from '#domain/contracts/retrain-policy.ts';
import type { RunOutcome } from '#domain/contracts/verdict.ts';

export type StageView = {
  readonly stage: StageName;
  readonly state: 'waiting' | 'started' | 'done' | 'skipped' | 'failed';
  readonly note: string;
};
export type RetrainStatus = { readonly stages: readonly StageView[]; readonly waitingFor: string | null };
export type Decision = { readonly by: string; readonly reason: string };

/** Of `retrain`, of `rollOut` and of `watchDrift`; each answers with its own view. */
export const statusQuery = defineQuery<RetrainStatus>('status');
/** Asked of a run whose gate passed and whose pipeline asks for approval; refused in any other state. */
export const approvePromotionUpdate = defineUpdate<RetrainStatus, [Decision]>('approvePromotion');
export const rejectPromotionUpdate = defineUpdate<RetrainStatus, [Decision]>('rejectPromotion');

/** Of `rollOut`. */
export type RolloutStatus = {
  readonly rolloutId: string;
  readonly strategy: string;
  readonly version: number;
  readonly championVersion: number | null;
  readonly phase: CanaryState['phase'];
  readonly share: number;
  readonly generation: number;
  readonly hold: CanaryHold | null;
  /** The newest decision in one sentence. */
  readonly reason: string;
};
export const rolloutStatusQuery = defineQuery<RolloutStatus>('status');
export const holdUpdate = defineUpdate<RolloutStatus, [Decision]>('hold');
export const resumeUpdate = defineUpdate<RolloutStatus, [Decision]>('resume');
/** All at once, whatever the evidence says but harm; a person answers for it. */
export const promoteUpdate = defineUpdate<RolloutStatus, [Decision]>('promote');
export const rollBackUpdate = defineUpdate<RolloutStatus, [Decision]>('rollBack');
/** Somebody else ended the rollout in PostgreSQL, where it is read; this only wakes. */
export const rolloutEndedSignal = defineSignal('rolloutEnded');
/** From a rollout to the run that started it: where it stands, in one sentence. */
export const rolloutMovedSignal = defineSignal<[{ readonly text: string }]>('rolloutMoved');

/** Signals of `watchDrift`: what happened outside. They wake it and are remembered; none can be refused. */
export type AlertArrived = {
  /** Source and delivery id: the same alert twice is one. */
  readonly id: string;
  readonly source: string;
  readonly text: string;
  /** False for what was resolved or is only to be known: it wakes the watch and asks for nothing. */
  readonly asksForRetrain: boolean;
};
export const alertReceivedSignal = defineSignal<[AlertArrived]>('alertReceived');
export const labelsArrivedSignal = defineSignal<[{ readonly rows: number }]>('labelsArrived');
export const dataArrivedSignal = defineSignal<[{ readonly what: string }]>('dataArrived');
/** Sent by a run that ended. Only wakes: how it ended is read from PostgreSQL, where it cannot be lost. */
export const retrainEndedSignal = defineSignal<[{ readonly runKey: string; readonly verdict: RunOutcome }]>('retrainEnded');

export type RetrainAskedFor = Decision & Pick<RetrainAsked, 'despite'> & { readonly trigger: 'person' | 'schedule' };
export type RetrainAnswer = { readonly decision: string; readonly reason: string; readonly workflowId: string | null };
/** Answers with what was decided; refused as PRN_CONFLICT while the watch is paused. */
export const requestRetrainUpdate = defineUpdate<RetrainAnswer, [RetrainAskedFor]>('requestRetrain');
/** The watch takes the policy of a definition that was applied; refused for a digest of another pipeline. */
export const changePolicyUpdate = defineUpdate<WatchStatus, [Decision & { readonly definitionSha256: string }]>('changePolicy');
export const snoozeUpdate = defineUpdate<WatchStatus, [Decision & { readonly forMs: number }]>('snooze');
export const resumeWatchUpdate = defineUpdate<WatchStatus, [Decision]>('resume');
/** Ends the watch of a pipeline that is deleted. */
export const endWatchUpdate = defineUpdate<WatchStatus, [Decision]>('end');

/** Of `watchDrift`. Instants are data time where they are of data. */
export type WatchStatus = {
  readonly pipeline: string;
  readonly phase: 'watching' | 'snoozed' | 'no champion' | 'ending';
  readonly snoozedUntil: string | null;
  readonly dataTime: string | null;
  readonly championVersion: number | null;
  readonly run: { readonly workflowId: string; readonly runKey: string } | null;
  readonly windowsJudged: number;
  readonly drift: string | null;
  readonly performance: string | null;
  readonly openBreaches: number;
  readonly lastDecision: string | null;
  readonly alertsSeen: number;
  readonly nextLookAt: string | null;
  /** Why the last look did not come to its end; null where it did. */
  readonly problem: string | null;
};
export const watchStatusQuery = defineQuery<WatchStatus>('status');
/** The newest windows with their verdicts, newest first, at most 20. */
export type WatchReportView = {
  readonly kind: 'drift' | 'performance';
  readonly from: string;
  readonly to: string;
  readonly outcome: string;
  readonly reason: string;
  readonly reportSha256: string;
};
export const lastReportQuery = defineQuery<readonly WatchReportView[]>('lastReport');
/** The newest decisions, newest first, at most 20; PostgreSQL has all of them. */
export type WatchDecisionView = {
  readonly at: string;
  readonly decision: string;
  readonly reason: string;
  readonly sentence: string;
};
export const decisionsQuery = defineQuery<readonly WatchDecisionView[]>('decisions');
