/** Rollouts that are simulated request by request and judged by the real rules. */
import type { ArmCounts, CanaryPolicy } from '#domain/contracts/canary.ts';
import type { DecisionRecord } from '#domain/contracts/decision.ts';
import { judgeCanary, startCanary } from '#domain/decide/canary/judge-canary.ts';
import type { Random } from '#domain/stats/random.ts';
import { assessCanary } from '#domain/stats/sequential/assess-canary.ts';
import { binomial } from '../../calibration/samplers.ts';
import { flights, instantOf } from './world.ts';

export const canaryPolicy: CanaryPolicy = {
  steps: [0.1, 0.5, 1],
  atLeastMs: 60_000,
  requests: 300,
  exposure: 2_000,
  guardrails: ['errors', 'latency_p95'].map((name) => ({
    name: name as 'errors',
    alpha: 0.005,
    margin: 0.25,
    allowance: 0.001,
    floor: null,
    floorAlpha: 0.001,
    designEffect: 1,
  })),
  splitAlpha: 0.001,
  deadlineMs: 3_600_000,
  atDeadline: 'roll back',
  silenceMs: 300_000,
  patienceMs: 1_800_000,
};

const more = (random: Random, arm: ArmCounts, requests: number, rate: number): ArmCounts => ({
  requests: arm.requests + requests,
  units: arm.units + requests,
  events: {
    errors: (arm.events.errors ?? 0) + binomial(random, requests, rate),
    latency_p95: (arm.events.latency_p95 ?? 0) + binomial(random, requests, 0.05),
  },
});
const none = (): ArmCounts => ({ requests: 0, units: 0, events: {} });

/** Looks each ten seconds until it ends, or for so many looks. */
export const simulateRollout = (
  random: Random,
  { id, startMs, errorRate, looks = 500 }: { id: string; startMs: number; errorRate: number; looks?: number },
) => {
  let state = startCanary(canaryPolicy);
  let [candidate, champion] = [none(), none()];
  const decisions: DecisionRecord[] = [];
  for (let look = 1; look <= looks && state.phase === 'running'; look += 1) {
    const toCandidate = binomial(random, 400, state.share);
    candidate = more(random, candidate, toCandidate, errorRate);
    champion = more(random, champion, 400 - toCandidate, 0.004);
    const segment = { share: state.share, candidate, champion };
    const assessment = assessCanary([...state.closed, segment], canaryPolicy);
    const observation = { kind: 'counted', elapsedMs: look * 10_000, segment, assessment } as const;
    const judged = judgeCanary(canaryPolicy, state, observation);
    const { action, reason, inequalities, evidenceIds } = judged.decision;
    decisions.push({
      format: 1,
      key: `${id}/${look}`,
      pipeline: flights,
      kind: 'rollout',
      subject: id,
      at: instantOf(startMs + look * 10_000),
      action,
      reason,
      inequalities,
      evidenceIds,
      input: { policy: canaryPolicy, state, observation, looks: look },
      output: judged,
    });
    state = judged.state;
    if (action === 'advance') [candidate, champion] = [none(), none()];
  }
  const exposed = [...state.closed, state.current].reduce((sum, one) => sum + one.candidate.requests, 0);
  const failed = [...state.closed, state.current].reduce((sum, one) => sum + (one.candidate.events.errors ?? 0), 0);
  const harmed = {
    requests: exposed,
    events: failed,
    above: Math.max(0, failed - exposed * 0.004),
    byGuardrail: { errors: failed },
  };
  return { id, startMs, state, decisions, harmed, endMs: startMs + decisions.length * 10_000 };
};
