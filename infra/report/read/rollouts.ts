/** Rollouts with what was seen at each look. */
import { canaryObservationSchema, canaryPolicySchema } from '#domain/contracts/canary.ts';
import type { RolloutRecord } from '#domain/contracts/rollout.ts';
import type { RecordedDecision } from '../../postgres/decisions.ts';
import type { Look, RolloutStory } from '../data.ts';

/** More points than a figure of 440 units can show. */
const mostLooks = 120;

type Input = { readonly observation?: unknown; readonly policy?: unknown };
const inputOf = ({ record }: RecordedDecision): Input => (record.input ?? {}) as Input;

const lookOf = (decision: RecordedDecision): Look | null => {
  const observation = canaryObservationSchema.safeParse(inputOf(decision).observation).data;
  if (observation?.kind !== 'counted') return null;
  const eValues = observation.assessment.guardrails.flatMap(({ name, harm }) =>
    harm.kind === 'e-value' ? [[name, harm.eValue] as const] : [],
  );
  return { elapsedMs: observation.elapsedMs, share: observation.segment.share, eValues: Object.fromEntries(eValues) };
};

/** Evenly thinned; the first and the last stay. */
const thin = (looks: readonly Look[]): Look[] => {
  const every = Math.ceil(looks.length / mostLooks);
  return looks.filter((_, place) => place % every === 0 || place === looks.length - 1);
};

const alphasOf = (decisions: readonly RecordedDecision[]): Record<string, number> => {
  const policy = decisions.map((one) => canaryPolicySchema.safeParse(inputOf(one).policy).data).find((one) => one !== undefined);
  return Object.fromEntries((policy?.guardrails ?? []).map(({ name, alpha }) => [name, alpha]));
};

/** `decisions` are those of this rollout, newest first. */
export const readRollout = (row: RolloutRecord, decisions: readonly RecordedDecision[]): RolloutStory => ({
  id: row.id,
  version: row.version,
  championVersion: row.championVersion,
  strategy: row.strategy,
  state: row.state,
  reason: decisions[0]?.record.reason ?? row.reason,
  startedAt: row.startedAt,
  endedAt: row.endedAt,
  harmed: row.harmed,
  alphas: alphasOf(decisions),
  looks: thin([...decisions].reverse().flatMap((one) => lookOf(one) ?? [])),
});
