import { z } from 'zod';
import { columnNameSchema, instantSchema, sha256Schema } from './ids.ts';
import { columnTypes } from './pipeline-spec/data.ts';
import { dateParts } from './pipeline-spec/features.ts';

/** A field of a prediction request: the model's own schema for what it is asked. */
export const requestFieldSchema = z.strictObject({
  name: columnNameSchema,
  type: z.enum(columnTypes),
  unit: z.string().optional(),
  min: z.number().optional(),
  max: z.number().optional(),
  values: z.array(z.string()).optional(),
  unknownValues: z.enum(['allow', 'reject']).describe('What to do with a category that is not among `values`'),
  required: z.boolean().describe('false: may be null or absent; it is imputed as in training'),
  defaultsTo: z.literal('now').nullable().describe('"now": the instant of the request where the field is left out'),
});
export type RequestField = z.infer<typeof requestFieldSchema>;

/** A view as the server needs it: which columns of the request name the entity, and which values it looks up. */
export const servedViewSchema = z.strictObject({
  name: z.string(),
  entity: z.array(columnNameSchema).min(1),
  values: z.array(columnNameSchema).min(1),
  sql: z.string().describe('The point-in-time SQL that made the training values; for lineage'),
  staleAfterMs: z
    .int()
    .positive()
    .nullable()
    .optional()
    .describe('A published value this long before the instant of the request is imputed: the window of an aggregate'),
});
export type ServedView = z.infer<typeof servedViewSchema>;

/** Where a feature's raw value comes from. */
export const featureSourceSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('column'), column: columnNameSchema }),
  z.strictObject({ kind: z.literal('view'), view: z.string(), value: columnNameSchema }),
  z.strictObject({ kind: z.literal('cross'), columns: z.array(columnNameSchema).min(2) }),
]);

/** One fitted transform. They are applied in order; each takes what the one before gave. */
export const fittedTransformSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('date-part'), part: z.enum(dateParts) }),
  z.strictObject({ kind: z.literal('impute'), value: z.union([z.number(), z.string()]) }),
  z.strictObject({ kind: z.literal('impute-from'), source: featureSourceSchema, otherwise: z.number() }),
  z.strictObject({ kind: z.literal('standard-scale'), mean: z.number(), standardDeviation: z.number().positive() }),
  z.strictObject({ kind: z.literal('min-max-scale'), min: z.number(), max: z.number() }),
  z.strictObject({ kind: z.literal('boolean') }),
  z.strictObject({ kind: z.literal('one-hot'), categories: z.array(z.string()), other: z.boolean() }),
  z.strictObject({
    kind: z.literal('ordinal'),
    categories: z.array(z.string()).describe('Position is the code; unknown and missing are -1'),
  }),
  z.strictObject({
    kind: z.literal('target'),
    categories: z.array(z.string()),
    means: z.array(z.number()).describe('Smoothed mean of the label, full training part; parallel to categories'),
    overall: z.number().describe('For unknown and missing values'),
  }),
  z.strictObject({ kind: z.literal('hash'), buckets: z.int().min(2) }),
]);
export type FittedTransform = z.infer<typeof fittedTransformSchema>;

export const fittedFeatureSchema = z.strictObject({
  name: columnNameSchema,
  source: featureSourceSchema,
  transforms: z.array(fittedTransformSchema),
  outputs: z.array(z.string()).min(1).describe('Names of the numbers it yields, such as "contract=monthly"'),
});
export type FittedFeature = z.infer<typeof fittedFeatureSchema>;

/**
 * Fitted state of all transforms: one raw row in, one float32 vector `[k]` out, k = sum of outputs.
 * Stored as canonical JSON by digest; the same object is used by training, evaluation and the server.
 */
export const featureSetSchema = z.strictObject({
  format: z.literal(1),
  request: z.array(requestFieldSchema),
  views: z.array(servedViewSchema),
  features: z.array(fittedFeatureSchema).min(1),
  eventTime: columnNameSchema
    .nullable()
    .optional()
    .describe('Request field that holds the instant of a row, against which the age of published values is measured'),
});
export type FeatureSet = z.infer<typeof featureSetSchema>;

/** Named files of one features step; every digest is an object in the store. */
export const featureFrameSchema = z.strictObject({
  format: z.literal(1),
  snapshotSha256: sha256Schema,
  featureSetSha256: sha256Schema,
  profileSha256: sha256Schema.optional().describe('Reference profile of these rows, features only; absent in older frames'),
  columns: z.array(z.string()).describe('The k names of the matrix columns'),
  task: z.enum(['binary', 'multiclass', 'regression']),
  classes: z.array(z.string()).describe('Label values in the order of the probabilities; empty for regression'),
  train: z.strictObject({
    rows: z.int(),
    features: sha256Schema.describe('.npy float32 [n, k]'),
    labels: sha256Schema.describe('.npy float32 [n]; class index or value'),
  }),
  holdout: z.strictObject({
    rows: z.int(),
    raw: sha256Schema.describe(
      'Parquet of the hold-out rows in order: all columns, view values as "view.value", label, `_row` 0..n-1',
    ),
    features: sha256Schema,
    labels: sha256Schema,
  }),
  split: z.strictObject({
    kind: z.enum(['time', 'hash']),
    trainFrom: instantSchema.nullable(),
    holdoutFrom: instantSchema.nullable(),
    holdoutTo: instantSchema.nullable(),
  }),
  leakage: z.array(z.strictObject({ feature: z.string(), strength: z.number(), measure: z.string() })),
  truncationProof: z.array(z.strictObject({ view: z.string(), at: instantSchema, rowsCompared: z.int() })),
});
export type FeatureFrame = z.infer<typeof featureFrameSchema>;
