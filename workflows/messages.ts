/** Messages of the `retrain` workflow: names and payload types, defined once. */
import { defineQuery, defineUpdate } from '@temporalio/workflow';
import type { StageName } from '#domain/contracts/retrain.ts';

export type StageView = {
  readonly stage: StageName;
  readonly state: 'waiting' | 'started' | 'done' | 'skipped' | 'failed';
  readonly note: string;
};
export type RetrainStatus = { readonly stages: readonly StageView[]; readonly waitingFor: string | null };
export type Decision = { readonly by: string; readonly reason: string };

export const statusQuery = defineQuery<RetrainStatus>('status');
/** Asked of a run whose gate passed and whose pipeline asks for approval; refused in any other state. */
export const approvePromotionUpdate = defineUpdate<RetrainStatus, [Decision]>('approvePromotion');
export const rejectPromotionUpdate = defineUpdate<RetrainStatus, [Decision]>('rejectPromotion');
