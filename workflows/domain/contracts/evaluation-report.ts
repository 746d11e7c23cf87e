import { z } from 'zod';
import { evidenceSchema } from './evidence.ts';
import { sha256Schema, versionNumberSchema } from './ids.ts';
import { metricNameSchema } from './pipeline-spec/training.ts';

const metricsSchema = z.partialRecord(metricNameSchema, z.number());

/** Comparison of one metric, candidate minus champion, with the sign turned so that more is better. */
export const comparisonSchema = z.strictObject({
  metric: metricNameSchema,
  slice: z.strictObject({ by: z.string(), value: z.string() }).nullable(),
  rows: z.int(),
  candidate: z.number().nullable(),
  champion: z.number().nullable(),
  margin: z.number(),
  evidence: z.array(evidenceSchema),
});
export type Comparison = z.infer<typeof comparisonSchema>;

export const evaluationReportSchema = z.strictObject({
  format: z.literal(1),
  frameSha256: sha256Schema,
  onnxSha256: sha256Schema,
  rows: z.int(),
  primaryMetric: metricNameSchema,
  candidate: metricsSchema,
  champion: z.strictObject({ version: versionNumberSchema, metrics: metricsSchema }).nullable(),
  comparisons: z.array(comparisonSchema).describe('First the whole hold-out, then slices; empty without a champion'),
  slices: z.array(z.strictObject({ by: z.string(), value: z.string(), rows: z.int(), metrics: metricsSchema })),
  parity: z.strictObject({
    rows: z.int(),
    largestDifference: z.number(),
    tolerance: z.number(),
    holds: z.boolean(),
    worst: z.strictObject({ row: z.int(), output: z.int(), trainer: z.number(), served: z.number() }).nullable(),
  }),
  latencyMsPerRow: z.number(),
});
export type EvaluationReport = z.infer<typeof evaluationReportSchema>;
