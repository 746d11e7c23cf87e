import { z } from 'zod';
import { guardrailNameSchema } from './canary.ts';
import { instantSchema, pipelineNameSchema, sha256Schema, versionNumberSchema } from './ids.ts';

const count = z.int().nonnegative();
const scalar = z.union([z.string(), z.number(), z.boolean(), z.null()]);

/** Which of a pipeline's models answered. In a shadow the candidate answers beside the champion and nobody sees it. */
export const armNames = ['champion', 'candidate'] as const;
export const armNameSchema = z.enum(armNames);
export type ArmName = z.infer<typeof armNameSchema>;

/** One line of a server's own log of predictions, written before the answer is sent. Field names are short: there are many. */
export const predictionRecordSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('answered'),
    id: z.uuid(),
    pipeline: pipelineNameSchema,
    version: versionNumberSchema,
    modelSha256: sha256Schema,
    generation: count.describe('Of the deployment by which the arm was chosen'),
    arm: armNameSchema,
    shadow: z.boolean().describe('Computed for comparison; the client was sent the answer of the champion of the same id'),
    at: instantSchema.describe('When the server answered, by its clock'),
    eventAt: instantSchema.describe('Event time of the row; `at` where the pipeline has none'),
    unit: z.string().nullable().describe('What the split is drawn over, hashed; null where each request is drawn by itself'),
    prediction: scalar,
    scores: z.array(z.number()).describe('Raw outputs: the positive probability, or one for each class, or the number'),
    inputs: z.record(z.string(), scalar).describe('The row as it was asked, after parsing'),
    views: z
      .record(z.string(), z.record(z.string(), scalar))
      .describe('Published values that were looked up, by view; an absent view had none'),
    counted: count
      .optional()
      .describe('Rows of the model that this life of the server answered so far, this one too; where not all are kept'),
  }),
  z.strictObject({
    kind: z.literal('refused'),
    id: z.uuid(),
    pipeline: pipelineNameSchema,
    generation: count,
    arm: armNameSchema.nullable(),
    at: instantSchema,
    status: z.int().min(400).max(599),
    code: z.string(),
    message: z.string().max(500),
  }),
]);
export type PredictionRecord = z.infer<typeof predictionRecordSchema>;
export type AnsweredRecord = Extract<PredictionRecord, { kind: 'answered' }>;

/**
 * What a server counted of the requests of one arm since a generation began there: cumulative over its epoch, so that it
 * may be told twice, late or never. The generation changes with every share, so each is a segment of a rollout.
 */
export const armTallySchema = z.strictObject({
  serverId: z.string().min(1).max(200),
  epoch: z.string().min(1).max(64),
  sequence: z.int().positive(),
  pipeline: pipelineNameSchema,
  generation: count,
  arm: armNameSchema,
  modelSha256: sha256Schema,
  requests: count,
  units: count,
  events: z.partialRecord(guardrailNameSchema, count),
  lastEventAt: instantSchema.nullable().describe('Newest event time among the answered rows'),
  latency: z
    .strictObject({ zeros: count, bins: z.record(z.string(), count) })
    .describe('DDSketch of seconds, relative error 1 %: counts by index of the bin'),
  shadow: z
    .strictObject({ compared: count, disagreed: count, absoluteDifference: z.number().nonnegative() })
    .nullable()
    .describe('Answers of the candidate against those of the champion on the same rows; null but in a shadow'),
});
export type ArmTally = z.infer<typeof armTallySchema>;

/** A label for a prediction by its id, or for whatever the key columns of the pipeline name. */
export const labelSchema = z
  .strictObject(
    {
      prediction_id: z
        .uuid({ error: ({ input }) => `must be the UUID of an answer: is ${JSON.stringify(input)}`.slice(0, 120) })
        .optional(),
      key: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).optional(),
      label: z.union([z.boolean(), z.number(), z.string()], {
        error: ({ input }) => `must be a class, a number, true or false: is ${input === undefined ? 'missing' : typeof input}`,
      }),
      at: z.iso
        .datetime({
          offset: true,
          error: ({ input }) =>
            `must be a time with its zone, such as 2026-02-05T12:00:00Z: is ${JSON.stringify(input)}`.slice(0, 120),
        })
        .optional()
        .describe('When the label became known; now where it is left out'),
    },
    {
      error: ({ code, input }) =>
        code === 'invalid_type'
          ? `must be an object, or {"labels": [...]}: is ${Array.isArray(input) ? 'a list' : typeof input}`
          : undefined,
    },
  )
  .refine((one) => (one.prediction_id === undefined) !== (one.key === undefined), 'must have either prediction_id or key');
export type Label = z.infer<typeof labelSchema>;

/** What became of labels that were handed in. */
export const labelReceiptSchema = z.strictObject({
  accepted: count.describe('New'),
  corrected: count.describe('There already, with another value: the newer one holds'),
  duplicates: count.describe('There already, with the same value'),
});
export type LabelReceipt = z.infer<typeof labelReceiptSchema>;
