import { z } from 'zod';

const common = { id: z.string(), what: z.string().describe('The quantity in words, with its unit where it has one') };

/** Evidence is a union by kind, because a p-value and a distance point in opposite directions. */
export const evidenceSchema = z.discriminatedUnion('kind', [
  z.strictObject({ ...common, kind: z.literal('p-value'), pValue: z.number().min(0).max(1), test: z.string(), rows: z.int() }),
  z.strictObject({
    ...common,
    kind: z.literal('distance'),
    distance: z.number().nonnegative(),
    measure: z.string(),
    rows: z.int(),
  }),
  z.strictObject({ ...common, kind: z.literal('e-value'), eValue: z.number().nonnegative(), rows: z.int() }),
  z.strictObject({
    ...common,
    kind: z.literal('interval'),
    estimate: z.number(),
    lower: z.number(),
    upper: z.number(),
    confidence: z.number().gt(0).lt(1),
    sides: z.enum(['one', 'two']),
    standardError: z.number().nonnegative(),
    method: z.string(),
    rows: z.int(),
    clusters: z
      .strictObject({ by: z.string(), count: z.int(), reference: z.int().nullable() })
      .optional()
      .describe('Rows that belong together, in the window and in what it is compared with; absent: rows were independent'),
  }),
  z.strictObject({ ...common, kind: z.literal('measurement'), value: z.number(), rows: z.int() }),
  z.strictObject({ ...common, kind: z.literal('insufficient'), reason: z.string(), rows: z.int() }),
]);
export type Evidence = z.infer<typeof evidenceSchema>;
