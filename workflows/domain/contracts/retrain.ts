import { z } from 'zod';
import { instantSchema, pipelineNameSchema, runKeySchema, sha256Schema, versionNumberSchema } from './ids.ts';
import { runOutcomeSchema, verdictSchema } from './verdict.ts';

export const triggerKinds = ['command', 'ci', 'schedule', 'alert', 'watch', 'demo', 'import'] as const;

/** Input of the `retrain` workflow: references only. */
export const retrainRequestSchema = z.strictObject({
  format: z.literal(1),
  pipeline: pipelineNameSchema,
  runKey: runKeySchema,
  definitionSha256: sha256Schema,
  codeVersion: z.string().min(1).describe('Commit of the pipeline folder, or "sha256:" and the digest of its files'),
  listingSha256: sha256Schema,
  cutoff: instantSchema.nullable(),
  trigger: z.strictObject({ kind: z.enum(triggerKinds), by: z.string(), reason: z.string() }),
});
export type RetrainRequest = z.infer<typeof retrainRequestSchema>;

/** What a workflow needs to know of the definition to choose its branches; all else stays behind the digest. */
export const retrainPlanSchema = retrainRequestSchema.extend({
  trainer: z.string(),
  trainTimeoutMs: z.int().positive(),
  gpuWaitMs: z.int().positive(),
  approvalWithinMs: z.int().positive().nullable(),
  confirmWithinMs: z.int().positive(),
});
export type RetrainPlan = z.infer<typeof retrainPlanSchema>;

/** How a run ended; also the workflow's result and the row in `runs`. */
export const retrainOutcomeSchema = z.strictObject({
  workflowId: z.string(),
  runKey: runKeySchema,
  pipeline: pipelineNameSchema,
  verdict: runOutcomeSchema,
  reason: z.string(),
  gate: verdictSchema.nullable(),
  dataVersion: sha256Schema.nullable(),
  modelVersion: versionNumberSchema.nullable(),
  metrics: z.record(z.string(), z.number()),
});
export type RetrainOutcome = z.infer<typeof retrainOutcomeSchema>;

export type { StageName } from '../stages.ts';
