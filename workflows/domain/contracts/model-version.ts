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

export const rolloutStrategies = ['canary', 'blue/green', 'shadow', 'a/b'] as const;

/** A version as servers need it; the profile is what they count into. */
export const deployedModelSchema = z.strictObject({
  version: versionNumberSchema,
  modelSha256: sha256Schema,
  profileSha256: sha256Schema.nullable().describe('null where the version has no reference profile: nothing is counted then'),
});
export type DeployedModel = z.infer<typeof deployedModelSchema>;

/** A candidate beside the champion. Every change of it, its share included, is a new generation of the deployment. */
export const deployedRolloutSchema = z.strictObject({
  id: z.string().min(1).max(200),
  strategy: z.enum(rolloutStrategies),
  candidate: deployedModelSchema,
  share: z.number().min(0).max(1).describe('Of the units that the candidate answers; in a shadow, that it is compared on'),
  salt: z.string().min(1).max(100).describe('Of the assignment; the same for the whole rollout, so that nobody moves back'),
  by: z.array(z.string()).describe('Request fields that name the unit; empty where each request is drawn by itself'),
  latencyMs: z
    .strictObject({ p95: z.number().positive(), p99: z.number().positive() })
    .nullable()
    .describe('Bounds of the latency guardrails, fixed when the rollout began; null where none was known'),
});
export type DeployedRollout = z.infer<typeof deployedRolloutSchema>;

/** What should be served; servers converge to it and refuse a lower generation. */
export const deploymentSchema = z.strictObject({
  pipeline: pipelineNameSchema,
  generation: z.int().nonnegative().describe('Grows with every change of champion, candidate or share'),
  champion: deployedModelSchema.nullable(),
  rollout: deployedRolloutSchema.nullable(),
});
export type Deployment = z.infer<typeof deploymentSchema>;

/** What one server says that it serves. */
export const serverReportSchema = z.strictObject({
  serverId: z.string(),
  pipeline: pipelineNameSchema,
  generation: z.int().nonnegative(),
  modelSha256: sha256Schema.nullable(),
  candidateSha256: sha256Schema.nullable(),
  share: z.number().min(0).max(1).describe('Share of the candidate that this server applies; 0 without a candidate'),
  state: z.enum(['loading', 'serving', 'refused']),
  reason: z.string().nullable(),
  reportedAt: instantSchema,
});
export type ServerReport = z.infer<typeof serverReportSchema>;
