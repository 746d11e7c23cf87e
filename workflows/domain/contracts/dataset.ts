import { z } from 'zod';
import { columnNameSchema, instantSchema, pipelineNameSchema, sha256Schema } from './ids.ts';
import { columnTypes, sourceFormats } from './pipeline-spec/data.ts';

/** One object of a source as it was found: identity of a run rests on this list, sorted by key. */
export const sourceObjectRefSchema = z.strictObject({
  source: z.string().describe('"main", or the name under data.sources'),
  key: z.string().describe('Path relative to the source, with "/" between parts'),
  bytes: z.int().nonnegative(),
  etag: z.string().describe('S3: the ETag. Directory: "sha256:" and the digest of the bytes'),
});
export type SourceObjectRef = z.infer<typeof sourceObjectRefSchema>;

/** What a run reads, fixed before it starts; stored by its digest. */
export const sourceListingSchema = z.strictObject({
  format: z.literal(1),
  sources: z.record(
    z.string(),
    z.strictObject({ type: z.enum(sourceFormats), path: z.string().describe('Absolute path or s3:// address') }),
  ),
  objects: z.array(sourceObjectRefSchema),
});
export type SourceListing = z.infer<typeof sourceListingSchema>;

/** A column after ingest. `min` and `max` are limits, not observations. */
export const datasetColumnSchema = z.strictObject({
  name: columnNameSchema,
  type: z.enum(columnTypes),
  role: z.enum(['feature', 'outcome', 'ignore', 'label', 'event_time', 'key']),
  unit: z.string().optional(),
  min: z.number().optional(),
  max: z.number().optional(),
  values: z.array(z.string()).optional(),
  new_values: z.enum(['allow', 'warn', 'reject']),
  missing: z.enum(['allow', 'warn', 'reject']),
  unique: z.boolean(),
});
export type DatasetColumn = z.infer<typeof datasetColumnSchema>;

export const datasetSchemaSchema = z.strictObject({
  columns: z.array(datasetColumnSchema),
  eventTime: columnNameSchema.nullable(),
  key: z.array(columnNameSchema),
  label: columnNameSchema,
  labelKnownAfterMs: z.int().nonnegative(),
});
/** Names, types and roles of a dataset's columns, in the order of its Parquet parts. */
export type DatasetSchema = z.infer<typeof datasetSchemaSchema>;

/** An immutable object that holds rows of one partition, or one file of a `files` source. */
export const datasetPartSchema = z.strictObject({
  source: z.string(),
  kind: z.enum(['parquet', 'file']),
  partition: z.string().describe('Event day "2001-01-31", row-hash bucket "h07", or the file\'s key'),
  sha256: sha256Schema.describe('Digest of the bytes; also the object key'),
  bytes: z.int().nonnegative(),
  rows: z.int().nonnegative(),
});
export type DatasetPart = z.infer<typeof datasetPartSchema>;

/** Why rows were set aside, with where they can be read (a Parquet object: source, line, reason, raw). */
export const rejectionSchema = z.strictObject({
  reason: z.string(),
  column: z.string().nullable(),
  rows: z.int().positive(),
  example: z.string(),
});

/** Result of ingest, stored as JSON by digest: everything before validation. */
export const batchSchema = z.strictObject({
  format: z.literal(1),
  pipeline: pipelineNameSchema,
  listingSha256: sha256Schema,
  cutoff: instantSchema.nullable().describe('Rows with event time at or after it were left out'),
  schema: datasetSchemaSchema,
  parts: z.array(datasetPartSchema),
  rows: z.int().nonnegative(),
  rejected: z.strictObject({ rows: z.int().nonnegative(), sha256: sha256Schema.nullable(), reasons: z.array(rejectionSchema) }),
  eventTime: z.strictObject({ first: instantSchema, last: instantSchema }).nullable(),
});
export type Batch = z.infer<typeof batchSchema>;

/** A frozen snapshot. The SHA-256 of its canonical JSON is the data version. It holds no clock value. */
export const datasetManifestSchema = z.strictObject({
  format: z.literal(1),
  pipeline: pipelineNameSchema,
  schema: datasetSchemaSchema,
  parts: z.array(datasetPartSchema).describe('Sorted by source, partition, sha256'),
  rows: z.int().nonnegative(),
  bytes: z.int().nonnegative(),
  eventTime: z.strictObject({ first: instantSchema, last: instantSchema }).nullable(),
  cutoff: instantSchema.nullable().describe('Rows with event time at or after it were left out'),
  quarantined: z.strictObject({ rows: z.int().nonnegative(), sha256: sha256Schema.nullable() }),
  rejected: z.strictObject({ rows: z.int().nonnegative(), sha256: sha256Schema.nullable() }),
});
export type DatasetManifest = z.infer<typeof datasetManifestSchema>;

export const validationFindingSchema = z.strictObject({
  check: z.string().describe('"schema", "rows", "freshness", "rejected", or the name of an expectation'),
  column: z.string().nullable(),
  severity: z.enum(['fail', 'quarantine', 'warn']),
  holds: z.boolean(),
  statement: z.string().describe('The inequality with its numbers'),
  rows: z.int().nonnegative().describe('Rows or groups that break it'),
  examples: z.array(z.string()).max(5),
});
export type ValidationFinding = z.infer<typeof validationFindingSchema>;

export const validationReportSchema = z.strictObject({
  format: z.literal(1),
  batchSha256: sha256Schema,
  rows: z.int().nonnegative(),
  findings: z.array(validationFindingSchema),
  quarantined: z.strictObject({ rows: z.int().nonnegative(), sha256: sha256Schema.nullable() }),
});
/** Evidence about a batch, as data; the workflow's `acceptData` turns it into a verdict. */
export type ValidationReport = z.infer<typeof validationReportSchema>;
