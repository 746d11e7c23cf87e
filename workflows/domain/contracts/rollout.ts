import { z } from 'zod';
import { canaryObservationSchema, canaryPolicySchema, canaryStateSchema, guardrailNameSchema } from './canary.ts';
import { evidenceSchema } from './evidence.ts';
import { instantSchema, pipelineNameSchema, sha256Schema, versionNumberSchema } from './ids.ts';
import { deployedRolloutSchema, rolloutStrategies } from './model-version.ts';

const count = z.int().nonnegative();
const ms = z.int().positive();
const person = { by: z.string().min(1).max(1000), reason: z.string().min(1) };
export const rolloutIdSchema = z.string().min(1).max(200);

/** Input of the `rollOut` workflow: references only. */
export const rolloutRequestSchema = z.strictObject({
  format: z.literal(1),
  pipeline: pipelineNameSchema,
  version: versionNumberSchema,
  definitionSha256: sha256Schema.describe('The definition whose rollout rules hold'),
  championVersion: versionNumberSchema.describe('Which the candidate was compared with: refused where another one serves'),
  ...person,
});
export type RolloutRequest = z.infer<typeof rolloutRequestSchema>;

/** What only some strategies have: a limit to disagreement in a shadow, the level of the comparison on labels in an A/B test. */
export const strategyRulesSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('canary') }),
  z.strictObject({ kind: z.literal('blue/green') }),
  z.strictObject({
    kind: z.literal('shadow'),
    mirrored: z.number().gt(0).lte(1).describe('Share of the requests that the candidate answers too'),
    disagreement: z.number().gt(0).lt(1).nullable().describe('Largest share of answers that may differ; null: only told'),
    alpha: z.number().gt(0).lt(1),
  }),
  z.strictObject({ kind: z.literal('a/b'), alpha: z.number().gt(0).lt(1) }),
]);
export type StrategyRules = z.infer<typeof strategyRulesSchema>;

/** All that a rollout goes by, fixed when it begins. */
export const rolloutPlanSchema = z.strictObject({
  format: z.literal(1),
  rolloutId: rolloutIdSchema,
  request: rolloutRequestSchema,
  strategy: z.enum(rolloutStrategies),
  rules: strategyRulesSchema,
  policy: canaryPolicySchema.describe('For a shadow the one step is the share of the events, not of the requests'),
  firstShare: z.number().gt(0).lte(1).describe('What servers apply at the beginning'),
  by: z.array(z.string()),
  latencyMs: deployedRolloutSchema.shape.latencyMs,
  look: z.strictObject({ firstMs: ms, lastMs: ms }).describe('Looks come at growing distances after each change'),
  confirmWithinMs: ms.describe('Servers that are alive must follow its end so soon'),
  continueAfterEvents: z.int().positive().describe('A longer history is left for a new one'),
});
export type RolloutPlan = z.infer<typeof rolloutPlanSchema>;

/** Answers of a candidate in the shadow against the champion's, on the same rows. */
export const agreementSchema = z.strictObject({
  compared: count,
  disagreed: count,
  evidence: evidenceSchema.describe('Interval of the share that differs, at all times'),
});
export type Agreement = z.infer<typeof agreementSchema>;

/** What one look at a rollout brings. */
export const rolloutObservationSchema = z.strictObject({
  canary: canaryObservationSchema,
  servers: z.strictObject({
    refused: z.string().nullable().describe('Which server refuses the candidate, and why'),
    behind: z.string().nullable().describe('Which server applies something else than is set, or counts and does not report'),
  }),
  agreement: agreementSchema.nullable().describe('null but in a shadow'),
  labels: evidenceSchema.nullable().describe('Interval of the gain over the champion, at all times; null but in an A/B test'),
  ended: z
    .strictObject({ end: z.enum(['promoted', 'rolled back']), generation: z.int().positive(), reason: z.string() })
    .nullable()
    .describe('Where somebody else has ended it'),
});
export type RolloutObservation = z.infer<typeof rolloutObservationSchema>;

/** A stretch of generations over which the share was the same; the last one is the end: 0, or 1 for a promotion. */
export const rolloutSegmentSchema = z.strictObject({
  generation: z.int().positive(),
  share: z.number().min(0).max(1),
  since: instantSchema,
});
export type RolloutSegment = z.infer<typeof rolloutSegmentSchema>;

/** What users of a candidate met that was taken back. */
export const harmedSchema = z.strictObject({
  requests: count.describe('Answered by the candidate; in a shadow none, for nobody sees its answers'),
  events: count.describe('That went wrong, at least: those of the guardrail with most, for one request may break several'),
  above: z.number().nonnegative().describe("Of a guardrail, at most: events above the champion's rate at the same time"),
  byGuardrail: z.partialRecord(guardrailNameSchema, count),
});
export type Harmed = z.infer<typeof harmedSchema>;

export const rolloutStates = ['running', 'promoted', 'rolled back'] as const;

/** A rollout as it is kept for good. */
export const rolloutRecordSchema = z.strictObject({
  id: rolloutIdSchema,
  pipeline: pipelineNameSchema,
  version: versionNumberSchema,
  championVersion: versionNumberSchema,
  strategy: z.enum(rolloutStrategies),
  workflowId: z.string(),
  state: z.enum(rolloutStates),
  segments: z.array(rolloutSegmentSchema).min(1),
  startedBy: z.string(),
  reason: z.string().describe('Of its end; of its beginning while it runs'),
  policy: z.unknown().describe('The plan by which it goes'),
  harmed: harmedSchema.nullable().describe('null unless it was rolled back'),
  startedAt: instantSchema,
  endedAt: instantSchema.nullable(),
});
export type RolloutRecord = z.infer<typeof rolloutRecordSchema>;

/** How a rollout ended; the result of the workflow. */
export const rolloutOutcomeSchema = z.strictObject({
  rolloutId: rolloutIdSchema,
  pipeline: pipelineNameSchema,
  version: versionNumberSchema,
  championVersion: versionNumberSchema,
  end: z.enum(['promoted', 'rolled back']),
  reason: z.string(),
  generation: z.int().positive(),
  observed: z.string().describe('What the servers reported in the end'),
  harmed: harmedSchema.nullable(),
});
export type RolloutOutcome = z.infer<typeof rolloutOutcomeSchema>;

/** All that a rollout carries over a continue-as-new. */
export const rolloutCarriedSchema = z.strictObject({
  format: z.literal(1),
  plan: rolloutPlanSchema,
  state: canaryStateSchema,
  startedAtMs: count.describe('Wall time, milliseconds since 1970'),
  generation: z.int().positive(),
  looks: count,
  recorded: count.describe('Decisions that have a row'),
  unrecorded: count.describe('Looks since then that decided the same'),
  lastSignature: z.string(),
  reason: z.string(),
  asked: z
    .strictObject({ what: z.enum(['promote', 'roll back']), by: z.string(), reason: z.string() })
    .nullable()
    .describe('What a person wants and was not done yet'),
});
export type RolloutCarried = z.infer<typeof rolloutCarriedSchema>;

/** Input of the `rollBack` workflow. */
export const rollBackRequestSchema = z.strictObject({
  format: z.literal(1),
  pipeline: pipelineNameSchema,
  generation: z.int().positive().describe('Of the deployment that is to be taken back'),
  to: versionNumberSchema.nullable().describe('Which version should serve; null for the champion before'),
  ...person,
});
export type RollBackRequest = z.infer<typeof rollBackRequestSchema>;

/** What a roll-back will do, from what stood when it began. */
export const rollBackPlanSchema = z.strictObject({
  request: rollBackRequestSchema,
  rollout: z.strictObject({ id: rolloutIdSchema, version: versionNumberSchema, workflowId: z.string() }).nullable(),
  to: versionNumberSchema.nullable().describe('The champion to put in place; null where the present one stays'),
  championVersion: versionNumberSchema.nullable(),
  confirmWithinMs: ms,
});
export type RollBackPlan = z.infer<typeof rollBackPlanSchema>;

export const rollBackOutcomeSchema = z.strictObject({
  pipeline: pipelineNameSchema,
  championVersion: versionNumberSchema.describe('Which serves now'),
  takenBack: versionNumberSchema.describe('Which no longer does'),
  rolloutId: rolloutIdSchema.nullable(),
  generation: z.int().positive(),
  confirmed: z.boolean(),
  observed: z.string(),
  harmed: harmedSchema.nullable(),
});
export type RollBackOutcome = z.infer<typeof rollBackOutcomeSchema>;
