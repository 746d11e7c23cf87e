import type { ArmCounts, CanaryAction, CanaryPolicy, GuardrailName } from '#domain/contracts/canary.ts';
import { judgeCanary, startCanary } from '#domain/decide/canary/judge-canary.ts';
import type { Random } from '#domain/stats/random.ts';
import { assessCanary } from '#domain/stats/sequential/assess-canary.ts';
import { binomial, poisson } from '../samplers.ts';

/** Traffic by the minute, and how often answers of each arm go wrong. */
export type World = {
  readonly requests: (minute: number) => number;
  readonly champion: Partial<Record<GuardrailName, number>>;
  readonly candidate: Partial<Record<GuardrailName, number>>;
  /** What the router really sends to the candidate, where it is not what was set. */
  readonly leak?: (share: number) => number;
};

export type Ended = {
  readonly action: CanaryAction;
  readonly reason: string;
  readonly minutes: number;
  /** Events of the candidate, in all. */
  readonly harmed: number;
  readonly exposed: number;
};

const minute = 60_000;
const none = (): ArmCounts => ({ requests: 0, units: 0, events: {} });

const more = (random: Random, arm: ArmCounts, requests: number, rates: Partial<Record<GuardrailName, number>>): ArmCounts => ({
  requests: arm.requests + requests,
  units: arm.units + requests,
  events: Object.fromEntries(
    Object.entries(rates).map(([name, rate]) => [
      name,
      (arm.events[name as GuardrailName] ?? 0) + binomial(random, requests, rate),
    ]),
  ),
});

const sum = (arm: ArmCounts): number => Object.values(arm.events).reduce((all, one) => all + one, 0);

/** A whole rollout, looked at every minute, to its end. */
export const rollOut = (random: Random, policy: CanaryPolicy, world: World): Ended => {
  let state = startCanary(policy);
  let [candidate, champion] = [none(), none()];
  for (let now = 1; ; now += 1) {
    const requests = poisson(random, world.requests(now));
    const toCandidate = binomial(random, requests, world.leak?.(state.share) ?? state.share);
    candidate = more(random, candidate, toCandidate, world.candidate);
    champion = more(random, champion, requests - toCandidate, world.champion);
    const segment = { share: state.share, candidate, champion };
    const assessment = assessCanary([...state.closed, segment], policy);
    const judged = judgeCanary(policy, state, { kind: 'counted', elapsedMs: now * minute, segment, assessment });
    const { action, reason } = judged.decision;
    state = judged.state;
    if (action === 'advance') [candidate, champion] = [none(), none()];
    if (state.phase !== 'running') {
      const segments = [...state.closed, segment];
      const exposed = segments.reduce((all, one) => all + one.candidate.requests, 0);
      return { action, reason, minutes: now, harmed: segments.reduce((all, one) => all + sum(one.candidate), 0), exposed };
    }
  }
};
