import { z } from 'zod';
import { instantSchema, pipelineNameSchema, sha256Schema, versionNumberSchema } from './ids.ts';

const tensorSchema = z.strictObject({ name: z.string(), type: z.string(), shape: z.array(z.union([z.int(), z.string()])) });

/**
 * All that a server needs, by digest; stored as canonical JSON, whose SHA-256 is the model digest that
 * every answer names. The server reads nothing else about a model.
 */
export const modelPackageSchema = z.strictObject({
  format: z.literal(1),
  pipeline: pipelineNameSchema,
  task: z.enum(['binary', 'multiclass', 'regression']),
  classes: z.array(z.string()),
  positiveClass: z.string().nullable().describe('For two classes: the one whose probability is answered'),
  threshold: z.number().describe('Probability from which the positive class is the prediction'),
  onnx: z.strictObject({
    sha256: sha256Schema,
    bytes: z.int(),
    inputs: z.array(tensorSchema).describe('One [n, k] matrix, or for imported models one [n, 1] tensor a feature'),
    output: tensorSchema.describe('[n, classes] probabilities, [n, 1] positive probability, or [n, 1] value'),
  }),
  featureSetSha256: sha256Schema,
  golden: z
    .array(z.strictObject({ vector: z.array(z.number().nullable()), answer: z.array(z.number()) }))
    .max(64)
    .describe('Vectors with the answers that were evaluated; null is a missing value (NaN). Checked before serving'),
});
export type ModelPackage = z.infer<typeof modelPackageSchema>;

export const modelStages = ['registered', 'champion', 'retired', 'rejected'] as const;
export const modelStageSchema = z.enum(modelStages);

/** One version with its lineage. Model, code, parameters, features and data are versions apart. */
export const modelVersionSchema = z.strictObject({
  pipeline: pipelineNameSchema,
  version: versionNumberSchema,
  stage: modelStageSchema,
  modelSha256: sha256Schema.describe('Digest of the model package'),
  onnxSha256: sha256Schema,
  trainingKey: sha256Schema,
  definitionSha256: sha256Schema.nullable(),
  codeVersion: z.string(),
  snapshotSha256: sha256Schema.nullable().describe('null for an imported model'),
  featureSetSha256: sha256Schema,
  profileSha256: sha256Schema.nullable().describe('Reference profile; null for an imported model and for versions from before'),
  trainer: z.string(),
  parameters: z.record(z.string(), z.unknown()),
  metrics: z.record(z.string(), z.number()),
  runKey: z.string().nullable(),
  createdAt: instantSchema,
});
export type ModelVersion = z.infer<typeof modelVersionSchema>;

/** What should be served; servers converge to it and refuse a lower generation. */
export const deploymentSchema = z.strictObject({
  pipeline: pipelineNameSchema,
  generation: z.int().nonnegative(),
  champion: z.strictObject({ version: versionNumberSchema, modelSha256: sha256Schema }).nullable(),
});
export type Deployment = z.infer<typeof deploymentSchema>;

/** What one server says that it serves. */
export const serverReportSchema = z.strictObject({
  serverId: z.string(),
  pipeline: pipelineNameSchema,
  generation: z.int().nonnegative(),
  modelSha256: sha256Schema.nullable(),
  state: z.enum(['loading', 'serving', 'refused']),
  reason: z.string().nullable(),
  reportedAt: instantSchema,
});
export type ServerReport = z.infer<typeof serverReportSchema>;
