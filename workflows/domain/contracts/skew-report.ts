import { z } from 'zod';
import { instantSchema, pipelineNameSchema, sha256Schema, versionNumberSchema } from './ids.ts';

const count = z.int().nonnegative();
const value = z.union([z.number(), z.string(), z.null()]);

/** One value that was served and is another when it is computed again. */
export const skewMismatchSchema = z.strictObject({
  predictionId: z.uuid(),
  what: z.enum(['view', 'feature', 'answer']),
  name: z.string().describe('"view.value", the name of the feature, or that of the output'),
  served: value.describe('null: there was none'),
  recomputed: value,
});
export type SkewMismatch = z.infer<typeof skewMismatchSchema>;

/** Served rows of one window, computed again from the data as it was known when they were answered. */
export const skewReportSchema = z.strictObject({
  format: z.literal(1),
  pipeline: pipelineNameSchema,
  version: versionNumberSchema,
  modelSha256: sha256Schema,
  from: instantSchema,
  to: instantSchema,
  predictions: count.describe('Served in the window by this version'),
  sampled: count,
  skipped: count.describe('Of the sample, answered before there was a snapshot to compute views from'),
  snapshots: z.array(sha256Schema).describe('Whose views were computed again, oldest first'),
  tolerance: z.strictObject({ relative: z.number().positive(), answer: z.number().positive() }),
  compared: z.strictObject({ views: count, features: count, answers: count }),
  mismatched: z.strictObject({ views: count, features: count, answers: count, rows: count }),
  byName: z.record(z.string(), count).describe('Mismatches by "what name"'),
  mismatches: z.array(skewMismatchSchema).max(100).describe('The first of them, by prediction'),
});
export type SkewReport = z.infer<typeof skewReportSchema>;
