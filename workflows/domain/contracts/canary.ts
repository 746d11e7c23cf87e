import { z } from 'zod';
import { evidenceSchema } from './evidence.ts';
import { inequalitySchema } from './verdict.ts';

const count = z.int().nonnegative();
const elapsedMs = z.number().nonnegative().describe('Since the rollout began');
const share = z.number().gt(0).lte(1);
const alpha = z.number().gt(0).lt(1);

/** What may go wrong with an answer; each is counted, request by request. */
export const guardrailNames = [
  'errors',
  'timeouts',
  'shed',
  'invalid_output',
  'latency_p95',
  'latency_p99',
  'out_of_range',
] as const;
export const guardrailNameSchema = z.enum(guardrailNames);
export type GuardrailName = z.infer<typeof guardrailNameSchema>;

/** One arm since the share changed last. A latency guardrail counts answers slower than a bound that was fixed before. */
export const armCountsSchema = z
  .strictObject({
    requests: count,
    units: count.describe('What the split is drawn over: entities where an entity stays with its arm, else requests'),
    events: z.partialRecord(guardrailNameSchema, count),
  })
  .refine(({ requests, events }) => Object.values(events).every((one) => one <= requests), 'more events than requests');
export type ArmCounts = z.infer<typeof armCountsSchema>;

/** A stretch of a rollout over which the candidate's share did not change. */
export const canarySegmentSchema = z.strictObject({ share, candidate: armCountsSchema, champion: armCountsSchema });
export type CanarySegment = z.infer<typeof canarySegmentSchema>;

export const guardrailPolicySchema = z.strictObject({
  name: guardrailNameSchema,
  alpha: alpha.describe('Chance to roll an equal candidate back by this guardrail, over the whole rollout'),
  margin: z.number().nonnegative().describe("A rate up to 1 + margin times the champion's is good enough"),
  allowance: z.number().min(0).max(1).describe('Share of requests that may fail beside that, where little is known'),
  floor: z.number().gt(0).lt(1).nullable().describe("Share of events beyond which the champion's own rate excuses nothing"),
  floorAlpha: alpha.describe('Chance to roll a candidate back whose share of events is at the floor'),
  designEffect: z.number().min(1).describe('Events that count as one, where they come in clusters'),
});
export type GuardrailPolicy = z.infer<typeof guardrailPolicySchema>;

export const canaryPolicySchema = z.strictObject({
  steps: z.array(share).min(1).describe('Ascending'),
  atLeastMs: z.number().nonnegative(),
  requests: count.describe('Fewest requests of the candidate in a step'),
  exposure: count.describe('Requests of the candidate in a step after which no events above budget are enough'),
  guardrails: z.array(guardrailPolicySchema).min(1),
  splitAlpha: alpha.nullable().describe('null in a shadow, which draws nobody away from the champion'),
  deadlineMs: z.number().positive(),
  atDeadline: z.enum(['roll back', 'hold']),
  silenceMs: z.number().positive().describe('Without a request of an arm for so long: hold'),
  patienceMs: z.number().positive().describe('Held by itself for so long: roll back'),
});
export type CanaryPolicy = z.infer<typeof canaryPolicySchema>;

/** Evidence about one guardrail; `insufficient` where it cannot be had. */
export const guardrailAssessmentSchema = z.strictObject({
  name: guardrailNameSchema,
  harm: evidenceSchema.describe("e-value of a rate above the champion's"),
  ratio: evidenceSchema.describe("Interval of the candidate's rate over the champion's, at all times"),
  aboveBudget: evidenceSchema.describe('Events of the candidate in this segment above what margin and allowance grant'),
  floor: evidenceSchema.nullable().describe('e-value of a share of events above the floor; null without a floor'),
});
export type GuardrailAssessment = z.infer<typeof guardrailAssessmentSchema>;

export const canaryAssessmentSchema = z.strictObject({
  guardrails: z.array(guardrailAssessmentSchema),
  split: z.strictObject({
    sequential: evidenceSchema.describe('e-value of another share than the one that was set; may be looked at any time'),
    atOnce: evidenceSchema.describe('p-value of the same, for one look'),
  }),
});
export type CanaryAssessment = z.infer<typeof canaryAssessmentSchema>;

export const canaryObservationSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('counted'), elapsedMs, segment: canarySegmentSchema, assessment: canaryAssessmentSchema }),
  z.strictObject({ kind: z.literal('nothing'), elapsedMs, reason: z.string() }),
]);
export type CanaryObservation = z.infer<typeof canaryObservationSchema>;

/** Who stopped the steps. Silence and a wrong split end in a roll back; the deadline and a person wait for a person. */
export const canaryHoldSchema = z.discriminatedUnion('by', [
  z.strictObject({ by: z.enum(['silence', 'split', 'deadline']), sinceMs: elapsedMs }),
  z.strictObject({ by: z.literal('person'), sinceMs: elapsedMs, name: z.string(), reason: z.string() }),
]);
export type CanaryHold = z.infer<typeof canaryHoldSchema>;

export const canaryPhases = ['running', 'promoted', 'rolled back'] as const;

/** All that a rollout remembers between two looks. */
export const canaryStateSchema = z.strictObject({
  format: z.literal(1),
  phase: z.enum(canaryPhases),
  step: count.describe('Place in the steps, from 0'),
  share: z.number().min(0).max(1).describe('What the candidate should answer now'),
  elapsedMs,
  stepSinceMs: elapsedMs,
  heardMs: z.strictObject({ candidate: elapsedMs, champion: elapsedMs }).describe('When an arm was last seen to answer'),
  closed: z.array(canarySegmentSchema).describe('Shares before this one'),
  current: canarySegmentSchema,
  hold: canaryHoldSchema.nullable(),
});
export type CanaryState = z.infer<typeof canaryStateSchema>;

export const canaryActions = ['advance', 'wait', 'hold', 'promote', 'roll back'] as const;
export const canaryDecisionSchema = z.strictObject({
  action: z.enum(canaryActions),
  share: z.number().min(0).max(1).describe('What the candidate should answer from now on'),
  alert: z.boolean().describe('A person should be told'),
  reason: z.string().min(1),
  inequalities: z.array(inequalitySchema),
  evidenceIds: z.array(z.string()),
});
export type CanaryDecision = z.infer<typeof canaryDecisionSchema>;
export type CanaryAction = CanaryDecision['action'];
