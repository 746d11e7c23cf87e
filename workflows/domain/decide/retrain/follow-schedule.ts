import type { RetrainDecision, RetrainPolicy, RetrainState } from '../../contracts/retrain-policy.ts';

export type Followed = { readonly schedule: RetrainState['schedule']; readonly wouldRetrain: boolean };

/** What the fixed schedule would have done up to the state's last instant; as often as its period went by. */
export const followSchedule = ({ scheduleMs }: RetrainPolicy, { schedule, lastMs }: RetrainState): Followed => {
  if (lastMs < schedule.nextMs) return { schedule, wouldRetrain: false };
  const runs = Math.floor((lastMs - schedule.nextMs) / scheduleMs) + 1;
  return { schedule: { nextMs: schedule.nextMs + runs * scheduleMs, runs: schedule.runs + runs }, wouldRetrain: true };
};

export const counterfactualOf = (state: RetrainState, wouldRetrain: boolean): RetrainDecision['counterfactual'] => ({
  wouldRetrain,
  scheduleRuns: state.schedule.runs,
  ownRuns: state.runs,
  sinceMs: state.sinceMs,
  nextScheduledMs: state.schedule.nextMs,
});
