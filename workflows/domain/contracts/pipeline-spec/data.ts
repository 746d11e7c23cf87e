import { z } from 'zod';
import { columnNameSchema, nameSchema } from '../ids.ts';
import { durationSchema } from './quantities.ts';

export const sourceFormats = ['parquet', 'csv', 'ndjson', 'files'] as const;

/** The ending of a path names its format, so that `source: customers.csv` is enough. */
const formatOfPath = (path: string): (typeof sourceFormats)[number] => {
  if (/\.csv(\.gz)?$/i.test(path)) return 'csv';
  if (/\.(ndjson|jsonl)(\.gz)?$/i.test(path)) return 'ndjson';
  return 'parquet';
};

const sourceObjectSchema = z.strictObject({
  type: z.enum(sourceFormats),
  path: z.string().min(1).describe('A file, a directory, or s3://bucket/prefix; relative to the pipeline file'),
});
export const sourceSchema = z.union([
  z
    .string()
    .min(1)
    .transform((path) => ({ type: formatOfPath(path), path })),
  sourceObjectSchema,
]);
export type SourceSpec = z.output<typeof sourceSchema>;

/** `known_after` is how long after the event the label is known; it bounds every view that uses the label. */
export const labelSchema = z.union([
  columnNameSchema.transform((name) => ({ name, sql: null as string | null, known_after: 0 })),
  z.strictObject({
    name: columnNameSchema,
    sql: z.string().nullable().default(null).describe('SQL expression over the columns; absent: the column of that name'),
    known_after: durationSchema.default(0 as never),
  }),
]);

export const columnTypes = ['integer', 'number', 'boolean', 'string', 'category', 'timestamp'] as const;

/** `outcome` columns are known only with the label and are never features; `ignore` columns are kept but unused. */
export const columnSchema = z.strictObject({
  type: z.enum(columnTypes),
  unit: z.string().optional(),
  min: z.number().optional(),
  max: z.number().optional(),
  values: z.array(z.string()).min(1).optional().describe('The only values allowed, for strings and categories'),
  new_values: z.enum(['allow', 'warn', 'reject']).default('warn'),
  missing: z.enum(['allow', 'warn', 'reject']).default('allow'),
  unique: z.boolean().default(false),
  role: z.enum(['feature', 'outcome', 'ignore']).default('feature'),
});
export type ColumnSpec = z.output<typeof columnSchema>;

/** `per` is a duration unit of event time ("day") or columns; the SQL is evaluated once for each group. */
export const checkSchema = z.strictObject({
  name: z.string().min(1).max(120),
  sql: z.string().min(1).describe('A boolean SQL expression; with aggregates it is judged per group, else per row'),
  per: z.union([z.literal('day'), z.array(columnNameSchema).min(1)]).optional(),
  severity: z.enum(['fail', 'quarantine', 'warn']).default('fail'),
});
export type CheckSpec = z.output<typeof checkSchema>;

export const dataSchema = z.strictObject({
  source: sourceSchema,
  sources: z.record(nameSchema, sourceSchema).default({}),
  event_time: columnNameSchema
    .optional()
    .describe(
      'The timestamp column that says when a row happened: rows are split by it, views and windows go by it. Absent: rows are split by chance, and a timestamp is a feature like any other',
    ),
  key: z
    .union([columnNameSchema.transform((name) => [name]), z.array(columnNameSchema).min(1)])
    .optional()
    .describe('Columns that name a row; duplicates are rejected. Absent: rows have no name'),
  label: labelSchema,
  columns: z.record(columnNameSchema, columnSchema).optional().describe('Absent: inferred from the first snapshot and frozen'),
  checks: z.array(checkSchema).default([]),
  rejected: z
    .strictObject({ at_most: z.number().min(0).max(1).default(0.01) })
    .prefault({})
    .describe('More rejected rows than this share end the run'),
  freshness: durationSchema.optional().describe('Newest event no older than this before the cut-off'),
  rows: z.strictObject({ at_least: z.int().nonnegative().default(1), at_most: z.int().positive().optional() }).prefault({}),
});
export type DataSpec = z.output<typeof dataSchema>;
