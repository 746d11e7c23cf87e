/** What a rollout knows of itself while it runs, and how that crosses a continue-as-new. */
import type { CanaryState } from '#domain/contracts/canary.ts';
import type { RolloutCarried, RolloutPlan } from '#domain/contracts/rollout.ts';
import type { RolloutStatus } from './messages.ts';

/** A person's wish that the next look fulfils. */
export type Asked = NonNullable<RolloutCarried['asked']>;

export type Live = {
  readonly plan: RolloutPlan;
  readonly startedAtMs: number;
  state: CanaryState;
  generation: number;
  looks: number;
  /** Decisions that have a row, and looks since the last of them that decided the same. */
  recorded: number;
  unrecorded: number;
  lastSignature: string;
  reason: string;
  asked: Asked | null;
  pauseMs: number;
  /** True once the end is being written: no message changes anything any more. */
  ending: boolean;
};

export const refOf = ({ plan }: Live) => ({ pipeline: plan.request.pipeline, rolloutId: plan.rolloutId });

export const elapsedMs = (live: Live): number => Math.max(0, Date.now() - live.startedAtMs);

/** What servers apply: in a shadow the mirrored share, whatever the share of the events is. */
export const shareOf = ({ plan, state }: Live): number =>
  plan.rules.kind === 'shadow' && state.phase === 'running' ? plan.rules.mirrored : state.share;

export const statusOf = (live: Live): RolloutStatus => ({
  rolloutId: live.plan.rolloutId,
  strategy: live.plan.strategy,
  version: live.plan.request.version,
  championVersion: live.plan.request.championVersion,
  phase: live.state.phase,
  share: shareOf(live),
  generation: live.generation,
  hold: live.state.hold,
  reason: live.reason,
});

export const carry = (live: Live): RolloutCarried => {
  const { plan, state, startedAtMs, generation, looks, recorded, unrecorded, lastSignature, reason, asked } = live;
  return { format: 1, plan, state, startedAtMs, generation, looks, recorded, unrecorded, lastSignature, reason, asked };
};

/** A rollout that goes on is in no hurry: it looks at its longest distance. */
export const takeUp = (carried: RolloutCarried): Live => ({ ...carried, pauseMs: carried.plan.look.lastMs, ending: false });

export const begin = (plan: RolloutPlan, state: CanaryState): Live => ({
  plan,
  state,
  startedAtMs: Date.now(),
  generation: 0,
  looks: 0,
  recorded: 0,
  unrecorded: 0,
  lastSignature: '',
  reason: `Begins with ${plan.firstShare} of the traffic`,
  asked: null,
  pauseMs: plan.look.firstMs,
  ending: false,
});
