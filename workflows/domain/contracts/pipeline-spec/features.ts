import { z } from 'zod';
import { columnNameSchema, nameSchema } from '../ids.ts';
import { durationSchema } from './quantities.ts';

const entitySchema = z.union([columnNameSchema.transform((name) => [name]), z.array(columnNameSchema).min(1)]);

/** Aggregates over the past of an entity; the engine writes SQL that sees only what was known before each row. */
export const aggregateViewSchema = z.strictObject({
  entity: entitySchema,
  window: durationSchema,
  values: z
    .record(columnNameSchema, z.string().min(1))
    .describe('Name of a value to its SQL aggregate, as avg(late) or count(*)'),
});

/** The user's own SQL (text, or a file beside the pipeline file). It is proven by truncation before it is used. */
export const sqlViewSchema = z.strictObject({
  sql: z
    .string()
    .min(1)
    .describe('A SELECT over `events` (and further sources) that yields entity columns, known_at and values; or a *.sql file'),
  entity: entitySchema,
  known_at: columnNameSchema.describe('Column of the result: the instant from which its values were known'),
});
export const viewSchema = z.union([aggregateViewSchema, sqlViewSchema]);
export type AggregateViewSpec = z.output<typeof aggregateViewSchema>;
export type SqlViewSpec = z.output<typeof sqlViewSchema>;
export type ViewSpec = z.output<typeof viewSchema>;

export const encodings = ['none', 'one-hot', 'ordinal', 'target', 'hash'] as const;
export const dateParts = ['hour', 'weekday', 'day', 'month', 'year', 'day_of_year', 'minute_of_day'] as const;

/**
 * One input of the trainer. `from` is a column, `view.value`, or (with `cross`) several columns joined.
 * Absent `from`: the input's own name.
 */
export const inputSchema = z.strictObject({
  from: columnNameSchema.optional(),
  cross: z.array(columnNameSchema).min(2).max(4).optional().describe('Columns whose joined values make one category'),
  part: z.enum(dateParts).optional().describe('Part of a timestamp, in UTC'),
  impute: z
    .union([z.number(), z.string()])
    .optional()
    .describe('median, mean, mode, a constant, or another input to fall back on'),
  scale: z.enum(['none', 'standard', 'min-max']).default('none'),
  encode: z.enum(encodings).optional(),
  min_count: z.int().positive().default(1).describe('Values rarer than this in training become "other"'),
  buckets: z.int().min(2).max(1_048_576).default(1024).describe('For encode: hash'),
  smoothing: z.number().nonnegative().default(20).describe('For encode: target; pseudo-rows of the overall mean'),
});
export type InputSpec = z.output<typeof inputSchema>;

export const featuresSchema = z.strictObject({
  views: z.record(nameSchema, viewSchema).default({}),
  inputs: z
    .record(
      columnNameSchema,
      inputSchema.nullable().transform((input) => input ?? inputSchema.parse({})),
    )
    .optional()
    .describe('Absent: every feature column, numbers imputed with the median, categories ordinal'),
});
export type FeaturesSpec = z.output<typeof featuresSchema>;
