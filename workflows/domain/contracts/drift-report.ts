import { z } from 'zod';
import { evidenceSchema } from './evidence.ts';
import { instantSchema, pipelineNameSchema, sha256Schema } from './ids.ts';

/** How a window is judged. `insufficient` is neither quiet nor loud; `recovering` has left drift but is not yet believed. */
export const driftStates = ['insufficient', 'ok', 'warn', 'drift', 'recovering'] as const;
export const driftStateSchema = z.enum(driftStates);
export type DriftState = z.infer<typeof driftStateSchema>;

export const comparatorSchema = z.enum(['same slot', 'whole reference', 'last window']);
export type Comparator = z.infer<typeof comparatorSchema>;

/**
 * One variable of one window: the size of the change and the evidence that it is not noise, side by side. `psi`,
 * `noiseFloor` and `debiasedPsi` share a unit; `pValue` is the larger of the chi-square and the conformal one.
 */
export const variableDriftSchema = z.strictObject({
  name: z.string(),
  critical: z.boolean(),
  importance: z.number().nonnegative().nullable(),
  rows: z.int().nonnegative(),
  referenceRows: z.int().nonnegative(),
  fewestRows: z
    .int()
    .nonnegative()
    .nullable()
    .describe(
      'Fewer rows than these cannot tell the warn level from noise; null where the reference is too small for any number',
    ),
  sufficient: z.boolean(),
  designEffect: z.number().min(1),
  psi: z.number().nonnegative().nullable(),
  noiseFloor: z.number().nonnegative().nullable().describe('PSI to be expected without any change'),
  debiasedPsi: z.number().nonnegative().nullable(),
  psiUpperLimit: z.number().nonnegative().nullable().describe('How large debiasedPsi may be: upper end of its 95 % interval'),
  pValue: z.number().min(0).max(1).nullable(),
  adjustedPValue: z.number().min(0).max(1).nullable().describe('After Benjamini-Hochberg (or Holm) over the window'),
  evidence: z.array(evidenceSchema).describe('Every distance and test, also those that decide nothing'),
});
export type VariableDrift = z.infer<typeof variableDriftSchema>;

/** A breach of data quality: it quarantines and pages, and never retrains. */
export const qualityBreachSchema = z.strictObject({
  check: z.enum([
    'missing rate',
    'non-finite values',
    'wrong type',
    'new category',
    'out of range',
    'frozen feed',
    'row volume',
    'missing window',
    'duplicate rows',
    'labelled share',
    'schema',
  ]),
  variable: z.string().nullable(),
  statement: z.string().describe('The inequality with its numbers'),
});
export type QualityBreach = z.infer<typeof qualityBreachSchema>;

/** One window of a model against its reference profile: evidence only; `decide/drift` turns a series of them into states. */
export const driftReportSchema = z.strictObject({
  format: z.literal(1),
  pipeline: pipelineNameSchema,
  profileSha256: sha256Schema,
  from: instantSchema,
  to: instantSchema,
  rows: z.int().nonnegative(),
  comparator: comparatorSchema,
  correction: z.enum(['benjamini-hochberg', 'benjamini-yekutieli', 'holm']),
  features: z.array(variableDriftSchema),
  predictions: z.array(variableDriftSchema).describe('Scores and predicted classes: one question, tested first'),
  breaches: z.array(qualityBreachSchema),
  warnings: z.array(z.string()),
});
export type DriftReport = z.infer<typeof driftReportSchema>;
