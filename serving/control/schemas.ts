/** What the control plane answers. Stored JSON of runs is passed on as it was written, whatever format it had then. */
import { z } from 'zod';
import { instantSchema, pipelineNameSchema, runKeySchema, sha256Schema, versionNumberSchema } from '#domain/contracts/ids.ts';
import { deploymentSchema, modelVersionSchema, serverReportSchema } from '#domain/contracts/model-version.ts';
import { runOutcomeSchema, verdictOutcomeSchema } from '#domain/contracts/verdict.ts';

/** More than a page shows and little enough to build at once. */
const limitSchema = z.coerce.number().int().min(1).max(500).default(50);
export const listQuerySchema = z.object({ pipeline: pipelineNameSchema.optional(), limit: limitSchema });
export const pipelineParamsSchema = z.object({ pipeline: pipelineNameSchema });
export const versionParamsSchema = z.object({
  pipeline: pipelineNameSchema,
  version: z.coerce.number().pipe(versionNumberSchema),
});
export const runParamsSchema = z.object({ runKey: runKeySchema });

export const runSchema = z.object({
  runKey: runKeySchema,
  pipeline: pipelineNameSchema,
  workflowId: z.string(),
  definitionSha256: sha256Schema,
  codeVersion: z.string(),
  listingSha256: sha256Schema,
  cutoff: instantSchema.nullable(),
  trigger: z.object({ kind: z.string(), by: z.string(), reason: z.string() }),
  startedAt: instantSchema,
  endedAt: instantSchema.nullable(),
  outcome: runOutcomeSchema.nullable().describe('null while the run goes on'),
  result: z.unknown().describe('The outcome as the workflow returned it'),
});
export const decisionSchema = z.object({
  sha256: sha256Schema.describe('Digest of the evaluation report'),
  pipeline: pipelineNameSchema,
  runKey: runKeySchema,
  workflowId: z.string(),
  verdict: verdictOutcomeSchema,
  reason: z.string().describe('One sentence with the inequality and its numbers'),
  decision: z.unknown().describe('Inequalities and evidence as they were compared'),
  createdAt: instantSchema,
});
export const runDetailSchema = z.object({
  run: runSchema,
  stages: z.array(
    z.object({
      stage: z.string(),
      state: z.enum(['started', 'done', 'waiting']),
      summary: z.string(),
      startedAt: instantSchema,
      updatedAt: instantSchema,
    }),
  ),
  metrics: z.array(z.object({ name: z.string(), step: z.number(), value: z.number() })),
  decisions: z.array(decisionSchema.omit({ workflowId: true })),
});
export const promotionSchema = z.object({
  generation: z.number(),
  kind: z.enum(['promote', 'rollback']),
  version: versionNumberSchema.nullable(),
  previousVersion: versionNumberSchema.nullable(),
  actor: z.string(),
  reason: z.string(),
  promotedAt: instantSchema,
});
export const modelsSchema = z.object({
  pipeline: pipelineNameSchema,
  champion: versionNumberSchema.nullable(),
  versions: z.array(modelVersionSchema),
  promotions: z.array(promotionSchema),
});
export const deploymentsSchema = z.object({
  deployments: z.array(deploymentSchema.extend({ servers: z.array(serverReportSchema) })),
});
export const snapshotSchema = z.object({
  sha256: sha256Schema,
  pipeline: pipelineNameSchema,
  rows: z.number(),
  bytes: z.number(),
  partCount: z.number(),
  firstEventAt: instantSchema.nullable(),
  lastEventAt: instantSchema.nullable(),
  createdAt: instantSchema,
  collectedAt: instantSchema.nullable().describe('When retention gave its data up; null where they are there'),
});
export const pipelineSchema = z.object({
  name: pipelineNameSchema,
  folder: z.string().nullable(),
  definitionSha256: sha256Schema.nullable(),
  createdAt: instantSchema,
  updatedAt: instantSchema,
});
export { modelVersionSchema };
