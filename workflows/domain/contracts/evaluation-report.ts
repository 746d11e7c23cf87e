import { z } from 'zod';
import { evidenceSchema } from './evidence.ts';
import { sha256Schema, versionNumberSchema } from './ids.ts';
import { metricNameSchema } from './pipeline-spec/training.ts';

const metricsSchema = z.partialRecord(metricNameSchema, z.number());

/** Rows that belong together, how many such clusters there are, and how many of equal size they are worth. */
const clustersSchema = z.strictObject({ by: z.string(), count: z.int(), effective: z.number() });

/** Comparison of one metric, candidate minus champion, with the sign turned so that more is better. */
export const comparisonSchema = z.strictObject({
  metric: metricNameSchema,
  slice: z.strictObject({ by: z.string(), value: z.string() }).nullable(),
  rows: z.int(),
  candidate: z.number().nullable(),
  champion: z.number().nullable(),
  margin: z.number(),
  clusters: clustersSchema.nullable().default(null).describe('null: each row was taken for evidence of its own'),
  evidence: z.array(evidenceSchema),
});
export type Comparison = z.infer<typeof comparisonSchema>;

/** Whether two models treat groups of rows alike; each measure is compared like a metric. */
export const fairnessMeasures = ['equal opportunity difference', 'selection rate ratio'] as const;
const groupRatesSchema = z.strictObject({
  selectionRate: z.number().describe('Share of the rows that are predicted positive'),
  truePositiveRate: z.number().nullable().describe('Share of the positive rows that are found; null without one'),
});
export const fairnessReportSchema = z.strictObject({
  by: z.string(),
  margin: z.number(),
  groups: z.array(
    z.strictObject({
      value: z.string(),
      rows: z.int(),
      positives: z.int(),
      isGated: z.boolean().describe('false: too few rows, reported only'),
      candidate: groupRatesSchema,
      champion: groupRatesSchema,
    }),
  ),
  measures: z.array(
    z.strictObject({
      measure: z.enum(fairnessMeasures),
      candidate: z.number().nullable(),
      champion: z.number().nullable(),
      evidence: z.array(evidenceSchema),
    }),
  ),
});
export type FairnessReport = z.infer<typeof fairnessReportSchema>;

/** How far probabilities can be taken at their word, on the hold-out. */
export const calibrationSchema = z.strictObject({
  expectedError: z.number().describe('Expected calibration error over ten cells of equal row counts'),
  brier: z.number(),
  observedOverExpected: z.number().nullable(),
  spiegelhalter: z.strictObject({ z: z.number(), pValue: z.number() }).nullable(),
});
export type Calibration = z.infer<typeof calibrationSchema>;

/** That rows are used again spends the evidence they can give. */
export const holdoutUseSchema = z.strictObject({
  holdout: z
    .string()
    .describe('What makes it the same hold-out: "kept rows", or "rows up to" the newest day of one that moves with time'),
  number: z.int().positive().describe('This candidate is the n-th that is compared on it'),
  confidence: z.number().gt(0).lt(1).describe('What this comparison may still claim'),
});
export type HoldoutUse = z.infer<typeof holdoutUseSchema>;

/** Of which rows of the hold-out the champion had learned: on those it is no judge of anything. */
export const championRowsSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('known'),
    unlearned: z.int().describe('Rows that neither model learned from: only on them are both compared'),
    learned: z.int().describe('Rows that it learned from, which are left out'),
    learnedFrom: z.string().describe('What it learned from, such as "rows before 2001-02-01T00:00:00.000Z"'),
  }),
  z.strictObject({ kind: z.literal('imported') }).describe('Trained elsewhere on nobody knows what; compared on all rows'),
  z.strictObject({ kind: z.literal('unknown'), reason: z.string() }).describe('Nothing is compared'),
]);
export type ChampionRows = z.infer<typeof championRowsSchema>;

export const evaluationReportSchema = z.strictObject({
  format: z.literal(1),
  frameSha256: sha256Schema,
  onnxSha256: sha256Schema,
  rows: z.int(),
  primaryMetric: metricNameSchema,
  candidate: metricsSchema,
  champion: z
    .strictObject({ version: versionNumberSchema, metrics: metricsSchema.describe('On the rows that are compared') })
    .nullable(),
  championRows: championRowsSchema.nullable().default(null).describe('null without a champion, and in reports from before'),
  comparisons: z.array(comparisonSchema).describe('First the whole hold-out, then slices; empty without a champion'),
  holdoutUse: holdoutUseSchema.nullable().default(null).describe('null without a champion'),
  fairness: z.array(fairnessReportSchema).default([]),
  calibration: z
    .strictObject({ candidate: calibrationSchema, champion: calibrationSchema.nullable() })
    .nullable()
    .default(null)
    .describe('null for anything but two classes'),
  profileSha256: sha256Schema
    .nullable()
    .optional()
    .describe('Reference profile of the candidate; null or absent where the frame has none'),
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
