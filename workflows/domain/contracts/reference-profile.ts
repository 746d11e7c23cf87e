import { z } from 'zod';
import { columnNameSchema, instantSchema, pipelineNameSchema, sha256Schema } from './ids.ts';

const count = z.int().nonnegative();

/**
 * Rows counted into the cells of a layout. Rows without a usable value stand apart from the distribution: they are
 * tested by their own rates. Adding two vectors of one layout is exact and commutative.
 */
export const cellCountsSchema = z.strictObject({
  cells: z.array(count),
  missing: count,
  nonFinite: count,
  wrongType: count,
});
export type CellCounts = z.infer<typeof cellCountsSchema>;

/** Ascending inner edges; cell k holds (edges[k-1], edges[k]], and the outer cells are open, so there are edges + 1 cells. */
export const numericLayoutSchema = z.strictObject({ kind: z.literal('numeric'), edges: z.array(z.number()) });

/** Cells: one for each of `values`, then `other` (seen in the reference), then `new` (not seen there). */
export const categoricalLayoutSchema = z.strictObject({
  kind: z.literal('categorical'),
  values: z.array(z.string()),
  seen: z
    .discriminatedUnion('kind', [
      z.strictObject({ kind: z.literal('exact'), values: z.array(z.string()) }),
      z.strictObject({ kind: z.literal('bloom'), bits: z.int().positive(), hashes: z.int().positive(), base64: z.string() }),
    ])
    .describe('What tells `other` from `new`: the values beyond `values` that the reference had'),
});
export const layoutSchema = z.discriminatedUnion('kind', [numericLayoutSchema, categoricalLayoutSchema]);
export type NumericLayout = z.infer<typeof numericLayoutSchema>;
export type CategoricalLayout = z.infer<typeof categoricalLayoutSchema>;
export type Layout = z.infer<typeof layoutSchema>;

/** Count, mean and sum of squared deviations; `min` and `max` are absent (null) where nothing was counted. */
export const momentsSchema = z.strictObject({
  count,
  mean: z.number(),
  squaredDeviations: z.number().nonnegative(),
  min: z.number().nullable(),
  max: z.number().nullable(),
});
export type Moments = z.infer<typeof momentsSchema>;

export const driftMeasures = [
  'psi',
  'jensen-shannon',
  'wasserstein',
  'kolmogorov-smirnov',
  'chi-square',
  'missing-rate',
  'new-rate',
] as const;
export const driftMeasureSchema = z.enum(driftMeasures);
export type DriftMeasure = z.infer<typeof driftMeasureSchema>;

/**
 * What quiet windows of watch length, cut from the snapshot itself, gave against the rest of their own slot (A/A). Each
 * list is ascending; `designEffect` is 1 where rows behave as if independent.
 */
export const quietHistorySchema = z.strictObject({
  windows: count,
  designEffect: z.number().min(1),
  statistics: z.partialRecord(driftMeasureSchema, z.array(z.number())),
});
export type QuietHistory = z.infer<typeof quietHistorySchema>;

/** A distribution that is watched: where its cells lie, and how the reference filled them. */
export const profiledVariableSchema = z.strictObject({
  name: columnNameSchema,
  layout: layoutSchema,
  reference: cellCountsSchema.describe('All rows of the snapshot'),
  bySlot: z.array(cellCountsSchema).describe('By slot of the season, in its order; empty where the season has one slot'),
  moments: momentsSchema.nullable().describe('Numeric variables only'),
  interquartileRange: z.number().nonnegative().nullable(),
  fences: z
    .strictObject({ low: z.number(), high: z.number() })
    .nullable()
    .describe('0.05 % and 99.95 % points, widened by the interquartile range: beyond them a value is out of range'),
  outside: count.describe('Rows of the reference beyond the fences'),
  quiet: quietHistorySchema.nullable().describe('null without event times, or with fewer than three windows'),
});
export type ProfiledVariable = z.infer<typeof profiledVariableSchema>;

export const profiledFeatureSchema = z.strictObject({
  ...profiledVariableSchema.shape,
  critical: z.boolean().describe('One alarm of it is enough for the dataset'),
  importance: z.number().nonnegative().nullable().describe('Share of the model importance; null where the trainer gave none'),
  closedVocabulary: z.boolean().describe('A single new category is a breach'),
  hardLimits: z.strictObject({ min: z.number().nullable(), max: z.number().nullable() }),
});
export type ProfiledFeature = z.infer<typeof profiledFeatureSchema>;

export const seasonSlots = ['none', 'hour of day', 'day of week', 'hour of week'] as const;
export const seasonSchema = z.strictObject({
  slot: z.enum(seasonSlots),
  slots: z.int().positive().describe('1, 24, 7 or 168; slot 0 begins on Monday 00:00 UTC'),
  windowMs: z.int().positive().describe('Length of a window of the watch'),
  windowsBySlot: z.array(count).describe('Windows of the snapshot in each slot'),
  overdispersion: z
    .number()
    .nonnegative()
    .optional()
    .describe('Variance of the rows of a window beyond that of a Poisson count, over the squared mean; absent where unknown'),
});
export type Season = z.infer<typeof seasonSchema>;

/** A monotone step function from score to probability, fitted on rows that the model was not trained on. */
export const calibratorSchema = z.strictObject({ scores: z.array(z.number()), probabilities: z.array(z.number().min(0).max(1)) });
export type Calibrator = z.infer<typeof calibratorSchema>;

/** By what rows belong together: a time, or columns. */
export const clusterUnitSchema = z.union([z.enum(['day', 'hour']), z.array(columnNameSchema).min(1)]);
export type ClusterUnit = z.infer<typeof clusterUnitSchema>;

/** A metric taken in each cluster for itself, as on each day. */
export const metricByClusterSchema = z.strictObject({
  clusters: count.describe('In which it could be measured'),
  mean: z.number(),
  meanError: z.number().nonnegative().describe('Standard error of the mean'),
  between: z.number().nonnegative().describe('Standard deviation from cluster to cluster, beyond what their few rows explain'),
});
export type MetricByCluster = z.infer<typeof metricByClusterSchema>;

/** How alike the rows of a cluster of the hold-out are: what later windows are allowed to differ by. */
export const referenceClustersSchema = z.strictObject({
  unit: clusterUnitSchema,
  count,
  effective: z.number().nonnegative().describe('How many of equal size they are worth'),
  error: z.record(z.string(), z.number().nonnegative()).describe('Standard error of a metric of all rows'),
  each: z.record(z.string(), metricByClusterSchema),
});
export type ReferenceClusters = z.infer<typeof referenceClustersSchema>;

/** What the label-free estimate and matured windows are compared with; measured on the hold-out. */
export const referencePerformanceSchema = z.strictObject({
  rows: count,
  metrics: z.record(z.string(), z.number()),
  perRowDeviation: z.record(z.string(), z.number().nonnegative()).describe('Standard deviation of a metric per row'),
  calibrator: calibratorSchema.nullable().describe('Two classes only'),
  calibrationError: z.number().nonnegative().nullable().describe('Equal-mass ECE after the calibrator, by cross-fitting'),
  clusters: referenceClustersSchema
    .nullable()
    .optional()
    .describe('null: the gate takes each row for evidence of its own. Absent in profiles from before it was measured'),
});
export type ReferencePerformance = z.infer<typeof referencePerformanceSchema>;

/**
 * What a model knew as normal: immutable, one for each model version, addressed by the SHA-256 of its canonical JSON.
 * Every drift statistic is a function of it and of counters that servers add up.
 */
export const referenceProfileSchema = z.strictObject({
  format: z.literal(1),
  pipeline: pipelineNameSchema,
  snapshotSha256: sha256Schema,
  featureSetSha256: sha256Schema,
  onnxSha256: sha256Schema.nullable().describe('null while a profile has features only'),
  rows: count,
  eventTime: z.strictObject({ first: instantSchema, last: instantSchema }).nullable(),
  season: seasonSchema,
  features: z.array(profiledFeatureSchema),
  scores: z.array(profiledVariableSchema).describe('Equal-mass cells of each output: one for two classes or a number'),
  predictions: profiledVariableSchema.nullable().describe('Predicted classes; null for regression'),
  performance: referencePerformanceSchema.nullable(),
});
export type ReferenceProfile = z.infer<typeof referenceProfileSchema>;

/** What one window counted, variable by variable in the order of the profile. Counters of another profile are refused. */
export const windowCountsSchema = z.strictObject({
  profileSha256: sha256Schema,
  from: instantSchema,
  to: instantSchema,
  rows: count,
  features: z.array(z.strictObject({ counts: cellCountsSchema, outside: count, moments: momentsSchema.nullable() })),
  scores: z.array(z.strictObject({ counts: cellCountsSchema, outside: count, moments: momentsSchema.nullable() })),
  predictions: cellCountsSchema.nullable(),
});
export type WindowCounts = z.infer<typeof windowCountsSchema>;
