import { z } from 'zod';
import { columnNameSchema } from '../ids.ts';
import { durationSchema, shareSchema } from './quantities.ts';

const guardrailSchema = z.strictObject({ above: z.union([durationSchema, shareSchema, z.number()]).optional() });

export const rolloutSchema = z.strictObject({
  strategy: z.enum(['canary', 'blue/green', 'shadow', 'a/b']).default('canary'),
  steps: z
    .array(shareSchema)
    .min(1)
    .default([0.1, 0.5, 1] as never),
  step: z
    .strictObject({ at_least: durationSchema.default(600_000 as never), requests: z.int().nonnegative().default(1000) })
    .prefault({}),
  guardrails: z
    .strictObject({
      errors: guardrailSchema.optional(),
      latency_p99: guardrailSchema.optional(),
      out_of_range: guardrailSchema.optional(),
    })
    .prefault({ errors: {} }),
  deadline: durationSchema.default(21_600_000 as never),
});

export const watchSchema = z.strictObject({
  every: durationSchema.default(3_600_000 as never),
  window: durationSchema.default(86_400_000 as never),
  levels: z.strictObject({ warn: z.number().positive().default(0.1), drift: z.number().positive().default(0.2) }).prefault({}),
});

export const retrainReasons = ['performance', 'estimate', 'drift', 'age', 'new labels'] as const;

export const retrainSchema = z.strictObject({
  schedule: z.string().optional(),
  on: z.array(z.enum(retrainReasons)).default([...retrainReasons]),
  max_age: durationSchema.default(2_592_000_000 as never),
  cooldown: durationSchema.default(43_200_000 as never),
  budget: z
    .strictObject({ runs: z.int().positive().default(8), per: durationSchema.default(2_592_000_000 as never) })
    .prefault({}),
  worth: z
    .strictObject({
      predictions_per_day: z.number().nonnegative(),
      value_per_error: z.union([z.number(), z.string()]),
      cost_per_run: z.union([z.number(), z.string()]),
    })
    .optional(),
});

export const serveSchema = z.strictObject({
  inputs: z.record(columnNameSchema, z.literal('now')).default({}).describe('Fields that may be left out of a request'),
  capture: z.union([z.literal('all'), shareSchema]).default('all'),
  explain: z.string().optional(),
});

export const notifySchema = z.array(z.strictObject({ to: z.url(), on: z.array(z.string()).min(1) })).default([]);

export const retentionSchema = z
  .strictObject({
    predictions: durationSchema.default(7_776_000_000 as never),
    snapshots: z.string().default('champions and 10 newest'),
    runs: durationSchema.default(31_536_000_000 as never),
  })
  .prefault({});
