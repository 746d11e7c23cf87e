import { z } from 'zod';
import { instantSchema, pipelineNameSchema } from './ids.ts';
import { inequalitySchema } from './verdict.ts';

export const decisionKinds = ['drift', 'performance', 'quality', 'retrain', 'rollout'] as const;
export type DecisionKind = (typeof decisionKinds)[number];

/**
 * One decision, also every "no", with what it was made from: enough to make it again. `key` is what makes a repeated
 * record a no-op: workflow id, and the number of the decision within it.
 */
export const decisionRecordSchema = z.strictObject({
  format: z.literal(1),
  key: z.string().min(1).max(400),
  pipeline: pipelineNameSchema,
  kind: z.enum(decisionKinds),
  subject: z.string().describe('What it is about: a window, a run key, a rollout'),
  at: instantSchema.describe('Data time for the watch, wall time for a rollout'),
  action: z.string().min(1).describe('What was decided: "retrain", "wait", "advance", "roll back"…'),
  reason: z.string().min(1).describe('One sentence with the inequality and its numbers'),
  inequalities: z.array(inequalitySchema),
  evidenceIds: z.array(z.string()),
  input: z.unknown().describe('State, observation and policy as the rule saw them'),
  output: z.unknown().describe('Decision and state after it, as the rule gave them'),
});
export type DecisionRecord = z.infer<typeof decisionRecordSchema>;
