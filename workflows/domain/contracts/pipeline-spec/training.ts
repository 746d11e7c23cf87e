import { z } from 'zod';
import { columnNameSchema } from '../ids.ts';
import { durationSchema, isNoLoss, lossSchema, shareSchema } from './quantities.ts';

const scalarSchema = z.union([z.number(), z.string(), z.boolean()]);

export const trainingSchema = z.strictObject({
  trainer: z
    .string()
    .min(1)
    .default('lightgbm')
    .describe('lightgbm, reference, or a folder (./my-trainer) that holds a trainer.json'),
  parameters: z.record(z.string(), z.union([scalarSchema, z.array(scalarSchema)])).default({}),
  window: durationSchema.optional().describe('How far back to learn from, before the hold-out. Absent: everything'),
  holdout: z
    .union([
      durationSchema.transform((ms) => ({ kind: 'time' as const, ms })),
      shareSchema.transform((share) => ({ kind: 'share' as const, share })),
    ])
    .optional()
    .describe('The newest time (7d), or a share by hash where there is no event time. Never trained on'),
  seed: z.int().nonnegative().default(1),
  resources: z
    .strictObject({ gpu: z.int().nonnegative().default(0), timeout: durationSchema.default(7_200_000 as never) })
    .prefault({}),
  search: z
    .strictObject({
      budget: z.int().positive(),
      parallel: z.int().positive().default(1),
      space: z.record(
        z.string(),
        z.union([
          z.tuple([z.number(), z.number()]),
          z.strictObject({ log: z.tuple([z.number(), z.number()]) }),
          z.array(z.string()),
        ]),
      ),
    })
    .optional(),
});
export type TrainingSpec = z.output<typeof trainingSchema>;

export const classificationMetrics = ['roc_auc', 'pr_auc', 'accuracy', 'log_loss', 'brier', 'precision', 'recall', 'f1'] as const;
export const regressionMetrics = ['rmse', 'mae', 'r2', 'median_absolute_error'] as const;
export const metricNames = [...classificationMetrics, ...regressionMetrics] as const;
export type MetricName = (typeof metricNames)[number];
export const metricNameSchema = z.enum(metricNames);

/** A level is a promise about chance: 50 % promises nothing, 100 % cannot be kept. */
const confidenceSchema = shareSchema.refine((share) => share > 0.5 && share < 1, 'must lie between 50% and 100%');

export const gateSchema = z.strictObject({
  metric: metricNameSchema.optional().describe('Absent: roc_auc for two classes, accuracy for more, rmse for numbers'),
  minimum: z.partialRecord(metricNameSchema, z.number()).default({}).describe('Absolute floors'),
  maximum: z.partialRecord(metricNameSchema, z.number()).default({}).describe('Absolute ceilings, for losses'),
  champion: z
    .strictObject({
      rule: z
        .enum(['not worse', 'better'])
        .default('not worse')
        .describe('not worse: shown to lose less than the margin, and fresher. better: shown to gain at all'),
      margin: lossSchema
        .optional()
        .describe(
          'Loss that a fresher model is worth; above 0 for "not worse". A number in the unit of the metric, or a share of the champion\'s value such as 2%. Absent: 0.005, and 2% for rmse, mae and median_absolute_error',
        ),
      confidence: confidenceSchema.default(0.95 as never),
    })
    .refine(({ rule, margin }) => rule === 'better' || margin === undefined || !isNoLoss(margin), {
      path: ['margin'],
      message: 'must be above 0 for rule "not worse": no number of rows shows that nothing is lost; ask for rule: better instead',
    })
    .prefault({}),
  cluster: z
    .union([z.enum(['day', 'hour', 'none']), z.array(columnNameSchema).min(1)])
    .optional()
    .describe(
      'Rows that belong together and are counted as one piece of evidence: of one day, one hour, one value of the columns listed, or none. Absent: day where there is an event time (hour where the hold-out has too few days, none where too few hours), else data.key',
    ),
  slices: z
    .array(
      z.strictObject({
        by: columnNameSchema,
        top: z.int().positive().default(10),
        margin: lossSchema
          .optional()
          .describe('Absent: twice gate.champion.margin. 0: any harm that is shown counts, and its absence need not be'),
      }),
    )
    .default([]),
  fairness: z
    .array(
      z.strictObject({
        by: columnNameSchema,
        margin: z.number().positive().default(0.05).describe("By how much a gap between groups may be wider than the champion's"),
      }),
    )
    .default([])
    .describe("Equal opportunity difference and selection rate ratio between groups, compared with the champion's"),
  calibration: z
    .strictObject({ at_most: z.number().positive().max(1) })
    .optional()
    .describe('Ceiling of the expected calibration error over ten cells; absent: reported only'),
  leakage: z
    .strictObject({ at_most: z.number().min(0.5).max(1).default(0.99) })
    .prefault({})
    .describe('A single feature that alone reaches this ROC AUC (or R2) is taken for the label itself and refused'),
  approval: z
    .union([z.literal('none'), z.strictObject({ required: z.literal(true).default(true), within: durationSchema })])
    .default('none'),
});
export type GateSpec = z.output<typeof gateSchema>;
