import { z } from 'zod';
import { driftStateSchema, qualityBreachSchema } from './drift-report.ts';
import { instantSchema, sha256Schema } from './ids.ts';
import { inequalitySchema, verdictSchema } from './verdict.ts';

const share = z.number().min(0).max(1);

/**
 * When a change is drift, and when drift is an alarm. One document for each model; levels are of PSI less its noise floor.
 * 0.1 and 0.2 are a shift of 0.32 and 0.45 standard deviations.
 */
export const driftPolicySchema = z
  .strictObject({
    warn: z.number().positive(),
    enter: z.number().positive().describe('A window that reaches it, with a p-value at or below `significance`, is high'),
    enterBy: z
      .enum(['upper limit', 'estimate'])
      .describe('What must reach `enter`. By the estimate, a change of just that size is found in every other window only'),
    leave: z.number().positive().describe('A window below it is low'),
    significance: z.number().gt(0).lt(1).describe('Of the adjusted p-value'),
    needed: z.int().positive().describe('So many of the last `of` windows must be high to enter drift, and low to leave it'),
    of: z.int().positive().max(16),
    share: share.describe('Share of the features in drift from which the dataset alarms'),
    weights: z.enum(['importance', 'equal']).describe('Of features in that share; equal where any importance is unknown'),
    criticalAlone: z.boolean().describe('One critical feature in drift is enough'),
    predictionsAlone: z.boolean().describe('Scores or predicted classes in drift are enough'),
  })
  .refine(({ needed, of }) => needed <= of, 'needed must be at most of')
  .refine(({ leave, enter }) => leave <= enter, 'leave must be at most enter');
export type DriftPolicy = z.infer<typeof driftPolicySchema>;

/** Of one variable in one window; null where there were too few rows to tell. */
export const observedVariableSchema = z.strictObject({
  name: z.string(),
  critical: z.boolean(),
  importance: z.number().nonnegative().nullable(),
  evidenceId: z.string().nullable().describe("Of the report's PSI; null where none could be computed"),
  measured: z
    .strictObject({ debiasedPsi: z.number().nonnegative(), psiUpperLimit: z.number().nonnegative(), adjustedPValue: share })
    .nullable(),
});
export type ObservedVariable = z.infer<typeof observedVariableSchema>;

/** What of a drift report decides: small enough to travel through a workflow. */
export const driftObservationSchema = z.strictObject({
  profileSha256: sha256Schema,
  from: instantSchema,
  to: instantSchema,
  features: z.array(observedVariableSchema),
  predictions: z.array(observedVariableSchema),
  breaches: z.array(qualityBreachSchema),
});
export type DriftObservation = z.infer<typeof driftObservationSchema>;

/** High is evidence of drift, low of its absence; the middle is neither. */
export const windowLevelSchema = z.enum(['low', 'middle', 'high']);
export type WindowLevel = z.infer<typeof windowLevelSchema>;

export const variableMemorySchema = z.strictObject({
  phase: driftStateSchema.exclude(['insufficient']),
  recent: z.array(windowLevelSchema).max(16).describe('The last windows with rows enough, oldest first'),
});
export type VariableMemory = z.infer<typeof variableMemorySchema>;

/** All that is remembered between windows, variables in the order of the profile. It survives continue-as-new. */
export const driftMemorySchema = z.strictObject({
  profileSha256: sha256Schema,
  judgedUntil: instantSchema.nullable(),
  alarm: z.boolean(),
  features: z.array(variableMemorySchema),
  predictions: z.array(variableMemorySchema),
});
export type DriftMemory = z.infer<typeof driftMemorySchema>;

export const judgedVariableSchema = z.strictObject({
  name: z.string(),
  state: driftStateSchema,
  reason: z.string().describe('One sentence with the inequality and its numbers'),
  inequalities: z.array(inequalitySchema),
});
export type JudgedVariable = z.infer<typeof judgedVariableSchema>;

/** One window, judged. `fail` is an alarm; `inconclusive` says that data is broken or too little. */
export const driftJudgementSchema = z.strictObject({
  verdict: verdictSchema,
  raised: z.boolean().describe('The alarm began with this window'),
  features: z.array(judgedVariableSchema),
  predictions: z.array(judgedVariableSchema),
  memory: driftMemorySchema,
});
export type DriftJudgement = z.infer<typeof driftJudgementSchema>;
