import { z } from 'zod';
import { sha256Schema } from './ids.ts';

const scalarSchema = z.union([z.number(), z.string(), z.boolean()]);

/** `job.json`: what a trainer is asked to do. Paths are relative to the job's folder, which is its working directory. */
export const trainingJobSchema = z.strictObject({
  format: z.literal(1),
  trainingKey: sha256Schema,
  task: z.enum(['binary', 'multiclass', 'regression']),
  classes: z.array(z.string()),
  columns: z.array(z.string()).describe('Names of the k columns of the matrix'),
  train: z.strictObject({ rows: z.int(), features: z.string(), labels: z.string() }),
  parameters: z.record(z.string(), z.union([scalarSchema, z.array(scalarSchema)])),
  seed: z.int(),
  threads: z.int().positive(),
  outputFolder: z.string().describe('Write model.onnx and result.json here, result.json last'),
  checkpointFolder: z.string().describe('Kept over attempts of the same training key'),
});
export type TrainingJob = z.infer<typeof trainingJobSchema>;

/** One line of a trainer's standard output. Lines that are not JSON are kept as log. */
export const trainerEventSchema = z.discriminatedUnion('event', [
  z.object({
    event: z.literal('progress'),
    step: z.number(),
    total: z.number().optional(),
    metrics: z.record(z.string(), z.number()).optional(),
  }),
  z.object({ event: z.literal('metric'), name: z.string(), value: z.number(), step: z.number().default(0) }),
  z.object({ event: z.literal('warning'), message: z.string() }),
  z.object({ event: z.literal('artifact'), name: z.string(), path: z.string() }),
  z.object({ event: z.literal('done') }),
]);
export type TrainerEvent = z.infer<typeof trainerEventSchema>;

/** `result.json`: what a trainer says it made; every claim is checked before it is believed. */
export const trainerResultSchema = z.strictObject({
  format: z.literal(1),
  trainingKey: sha256Schema,
  model: z.strictObject({ path: z.string(), sha256: sha256Schema }),
  metrics: z.record(z.string(), z.number()).default({}),
  parity: z
    .strictObject({ rows: z.array(z.int().nonnegative()).max(512), answers: z.array(z.array(z.number())).max(512) })
    .describe("The trainer's own answers for some rows of the training matrix: probabilities per class, or one value"),
  environment: z.record(z.string(), z.string()).default({}).describe('Versions of what it ran with'),
});
export type TrainerResult = z.infer<typeof trainerResultSchema>;

/** Exit codes of a trainer. Anything else, and any signal that we did not send, is a crash. */
export const trainerExit = { success: 0, badJob: 64, temporaryTrouble: 75, cancelled: 130 } as const;

/** Everything known about how a trainer ended; `ending` is the one name for it. */
export const trainerEndings = [
  'succeeded',
  'bad-job',
  'temporary-trouble',
  'crashed',
  'killed',
  'cancelled',
  'timed-out',
  'silent',
  'no-result',
  'bad-result',
  'wrong-key',
  'model-missing',
  'model-digest-mismatch',
  'not-started',
] as const;
export const trainerEndingSchema = z.enum(trainerEndings);
export type TrainerEnding = z.infer<typeof trainerEndingSchema>;

/** Result of the train step. */
export const trainingResultSchema = z.strictObject({
  format: z.literal(1),
  trainingKey: sha256Schema,
  trainer: z.string(),
  onnxSha256: sha256Schema,
  onnxBytes: z.int(),
  metrics: z.record(z.string(), z.number()),
  parity: trainerResultSchema.shape.parity,
  environment: z.record(z.string(), z.string()),
  durationMs: z.int(),
});
export type TrainingResult = z.infer<typeof trainingResultSchema>;
