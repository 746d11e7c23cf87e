import { z } from 'zod';
import { evidenceSchema } from './evidence.ts';
import { instantSchema, pipelineNameSchema, sha256Schema } from './ids.ts';

const count = z.int().nonnegative();
const metrics = z.record(z.string(), z.number());
const span = { from: instantSchema, to: instantSchema, predictions: count, labelled: count };

/** A window of predictions with the labels that have come. Only a matured one is compared with the reference. */
export const performanceWindowSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('matured'),
    ...span,
    by: z.enum(['lag', 'horizon']).describe('Whether 95 % of the labels have had their time, or the horizon has passed'),
    metrics,
    evidence: z.array(evidenceSchema).describe('Of each metric against the reference, and of calibration; more is better'),
  }),
  z.strictObject({
    kind: z.literal('provisional'),
    ...span,
    arrivedShare: z.number().min(0).max(1).describe('Share of labels to be expected for the youngest row'),
    metrics: metrics.describe('Each label weighted by the inverse of the share that has arrived at its age; decides nothing'),
  }),
]);
export type PerformanceWindow = z.infer<typeof performanceWindowSchema>;

/** What labels, and what probabilities alone, say about a model at an instant; `decide/performance` draws conclusions. */
export const performanceReportSchema = z.strictObject({
  format: z.literal(1),
  pipeline: pipelineNameSchema,
  profileSha256: sha256Schema,
  at: instantSchema,
  lag95Ms: z.number().nonnegative().nullable().describe('Lag by which 95 % of the labels have come; null where not known'),
  windows: z.array(performanceWindowSchema).describe('By time'),
  labelledShare: evidenceSchema.nullable().describe('Newest matured window against those before it'),
  estimate: z.array(evidenceSchema).describe('Without labels, of the newest window; blind to concept drift'),
  secondOpinions: z.array(
    z.strictObject({
      detector: z.enum(['ddm', 'page-hinkley', 'adwin']),
      signal: z.enum(['quiet', 'warning', 'drift']),
      at: instantSchema,
    }),
  ),
});
export type PerformanceReport = z.infer<typeof performanceReportSchema>;
