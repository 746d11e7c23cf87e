import { z } from 'zod';
import { parseCron } from '../../cron.ts';
import { keptSnapshotsPattern } from '../../kept-snapshots.ts';
import { noticeEvents } from '../../notice-events.ts';
import type { Ratio } from '../../units.ts';
import { columnNameSchema } from '../ids.ts';
import { durationSchema, lossSchema, shareSchema } from './quantities.ts';
import { metricNameSchema } from './training.ts';

const guardrailSchema = z.strictObject({
  above: z
    .union([durationSchema, shareSchema, z.number()])
    .optional()
    .describe(
      "Never more than this, whatever the champion does: a share of requests; for a latency its bound, else the champion's",
    ),
  margin: z.number().nonnegative().optional().describe('In place of the margin of the rollout'),
  critical: z.boolean().optional().describe('Twice the chance of a false alarm, and so sooner a true one; errors are'),
});

/** Shares only grow: a smaller one would move people back. */
const isAscending = (shares: readonly number[]): boolean =>
  shares.every((share, place) => share > (place === 0 ? 0 : (shares[place - 1] as number)));

export const rolloutSchema = z.strictObject({
  strategy: z.enum(['canary', 'blue/green', 'shadow', 'a/b']).default('canary'),
  steps: z
    .array(shareSchema)
    .min(1)
    .refine(isAscending, 'must be ascending shares above 0%')
    .default([0.1, 0.5, 1] as never),
  by: z
    .union([columnNameSchema.transform((name) => [name]), z.array(columnNameSchema)])
    .default([] as never)
    .describe('Request fields that name who stays with an arm; without any each request is drawn by itself'),
  step: z
    .strictObject({
      at_least: durationSchema.default(600_000 as never),
      requests: z.int().nonnegative().default(1000).describe('Requests that the candidate answered in the step, at least'),
      exposure: z
        .int()
        .nonnegative()
        .optional()
        .describe('As many are enough where no proof is to be had but nothing went wrong; without it: requests'),
    })
    .prefault({}),
  guardrails: z
    .strictObject({
      errors: guardrailSchema.optional(),
      timeouts: guardrailSchema.optional(),
      shed: guardrailSchema.optional(),
      invalid_output: guardrailSchema.optional(),
      latency_p95: guardrailSchema.optional(),
      latency_p99: guardrailSchema.optional(),
      out_of_range: guardrailSchema.optional(),
    })
    .prefault({ errors: {} }),
  alpha: shareSchema
    .refine((share) => share > 0 && share < 1, 'must be between 0% and 100%')
    .default(0.01 as never)
    .describe('Chance to take an equal candidate back, over the whole rollout and all guardrails: 1% if nothing is said'),
  margin: z.number().nonnegative().default(0.25).describe("A rate up to 1 + margin times the champion's is good enough"),
  allowance: shareSchema
    .default(0.001 as never)
    .describe('Share of requests that may fail beside that before events count as above budget: 0.1% if nothing is said'),
  shadow: z
    .strictObject({
      disagreement: shareSchema
        .refine((share) => share > 0 && share < 1, 'must be between 0% and 100%')
        .optional()
        .describe(
          "Largest share of answers that may differ from the champion's; without it the share is told, and decides nothing",
        ),
    })
    .optional()
    .describe('For the strategy shadow, whose first step is the share of requests that the candidate answers too'),
  deadline: durationSchema.default(21_600_000 as never),
  at_deadline: z.enum(['roll back', 'hold']).default('roll back'),
  patience: z
    .strictObject({
      silence: durationSchema.default(300_000 as never).describe('Without a request of an arm for so long: hold'),
      hold: durationSchema.default(1_800_000 as never).describe('Held by itself for so long: roll back'),
    })
    .prefault({}),
});
export type RolloutSpec = z.infer<typeof rolloutSchema>;

export const watchSchema = z.strictObject({
  every: durationSchema.default(3_600_000 as never),
  window: durationSchema.default(86_400_000 as never),
  levels: z.strictObject({ warn: z.number().positive().default(0.1), drift: z.number().positive().default(0.2) }).prefault({}),
  critical: z
    .array(columnNameSchema)
    .default([])
    .describe('Inputs of which one alone, once it has drifted, is enough for an alarm: columns, view.value or features'),
  lateness: durationSchema
    .default(0 as never)
    .describe('A window closes so long after its end, in event time, so that late rows still count'),
  performance: z
    .strictObject({
      metric: metricNameSchema.optional().describe('Without it: the metric of the gate'),
      drop: lossSchema
        .optional()
        .describe(
          'A loss beyond it, shown at 95% confidence on matured labels, is a breach. A number in the unit of the metric, or a share of its value on the hold-out such as 5%. Absent: 0.02, and 5% for rmse, mae and median_absolute_error',
        ),
    })
    .prefault({}),
  labels: z
    .strictObject({
      horizon: durationSchema
        .optional()
        .describe(
          'Labels are there by then, or never come; without it the labels themselves tell, and a feed of them that stops is told of after twice the usual wait',
        ),
      unlabelled: z.enum(['unknown', 'negative']).default('unknown').describe('What no label by the horizon means'),
    })
    .refine(({ horizon, unlabelled }) => unlabelled === 'unknown' || horizon !== undefined, 'must have a horizon')
    .prefault({}),
});

/** "0.05 EUR" or 0.05. Amounts of one pipeline are in one currency. */
const amountSchema = z.union([
  z.number().nonnegative(),
  z.string().regex(/^\d+(\.\d+)?( [A-Z]{3})?$/, 'must be an amount such as 0.05 or 0.05 EUR'),
]);
const currencyOf = (amount: number | string): string => (typeof amount === 'number' ? '' : (amount.split(' ')[1] ?? ''));

export const retrainReasons = ['performance', 'estimate', 'drift', 'age', 'new labels'] as const;

const cronSchema = z.string().superRefine((text, context) => {
  const parsed = parseCron(text);
  if (parsed.kind === 'schedule') return;
  const message = `must be a schedule such as "0 3 * * 1" (minute, hour, day of month, month, day of week): ${parsed.reason}`;
  context.addIssue({ code: 'custom', message });
});

export const retrainSchema = z.strictObject({
  schedule: cronSchema
    .optional()
    .describe('Cron of five fields in UTC; asks the watch for a retrain, which may refuse as it would refuse an alert'),
  on: z.array(z.enum(retrainReasons)).default([...retrainReasons]),
  max_age: durationSchema.default(2_592_000_000 as never),
  cooldown: durationSchema.default(43_200_000 as never),
  budget: z
    .strictObject({ runs: z.int().positive().max(200).default(8), per: durationSchema.default(2_592_000_000 as never) })
    .prefault({}),
  new_labels: z
    .strictObject({
      share: shareSchema.refine((share) => share > 0, 'must be above 0%').default(0.25 as never),
      rare_rows: z.int().positive().default(1000),
    })
    .prefault({})
    .describe('So many new labelled rows are a reason: a share of the rows of the last training, or rows of the rarest class'),
  worth: z
    .strictObject({
      predictions_per_day: z.number().nonnegative(),
      value_per_error: amountSchema,
      cost_per_run: amountSchema,
    })
    .refine((worth) => currencyOf(worth.value_per_error) === currencyOf(worth.cost_per_run), 'must be amounts in one currency')
    .optional()
    .describe('With it, drift alone is no reason to retrain: the expected gain must be above the cost'),
});
export type RetrainSpec = z.infer<typeof retrainSchema>;

const captureSchema = z.union([z.literal('all'), shareSchema]).default('all');

/** What a file says of `serve.capture`, as a share. What is no share was never applied: then nothing may be lost. */
export const keptShareOf = (capture: unknown): Ratio => {
  const { data } = captureSchema.safeParse(capture ?? undefined);
  return typeof data === 'number' ? data : (1 as Ratio);
};

export const serveSchema = z.strictObject({
  inputs: z.record(columnNameSchema, z.literal('now')).default({}).describe('Fields that may be left out of a request'),
  capture: captureSchema.describe(
    'Answered rows that are logged: all, or a share drawn by the id of the prediction; all are counted',
  ),
  explain: z.string().optional(),
});

export const notifySchema = z
  .array(
    z.strictObject({
      to: z.url({ protocol: /^https?$/ }),
      on: z.array(z.enum(noticeEvents)).min(1),
      as: z.enum(['webhook', 'slack']).default('webhook').describe('slack: {"text": …}, as incoming webhooks of chats take it'),
      secret: z
        .string()
        .regex(/^\$\{[A-Z][A-Z0-9_]*\}$/, 'must be the name of an environment variable, such as ${HOOK_SECRET}')
        .optional()
        .describe('Signs as Standard Webhooks; names a variable of the environment, as ${HOOK_SECRET}, never the secret itself'),
    }),
  )
  .default([]);

const keptForSchema = durationSchema.refine((ms) => ms > 0, 'must be above 0');

export const retentionSchema = z
  .strictObject({
    predictions: keptForSchema
      .default(7_776_000_000 as never)
      .describe('Shipped predictions and labels by their ids, in data time; counters, reports and decisions stay'),
    snapshots: z
      .string()
      .regex(keptSnapshotsPattern, 'must be of the form "champions and 10 newest"')
      .default('champions and 10 newest')
      .describe('Data of versions that serve or served, and so many newest; of others the row stays, the data go'),
    runs: keptForSchema
      .default(31_536_000_000 as never)
      .describe('Ended runs with stages, metrics and evaluation, since their end; those that registered a version stay'),
  })
  .prefault({});
