import { z } from 'zod';
import { retrainReasons } from './pipeline-spec/operation.ts';
import { inequalitySchema, runOutcomeSchema } from './verdict.ts';

const count = z.int().nonnegative();
/** Milliseconds since 1970, as a workflow knows the time. */
const instantMs = z.int().nonnegative();
const spanMs = z.int().positive();
const finite = z.number();

/** What is measured window by window, and may ask for a retrain while it stays high. */
export const retrainSignals = ['performance', 'estimate', 'drift', 'calibration'] as const;
export const retrainSignalSchema = z.enum(retrainSignals);
export type RetrainSignal = z.infer<typeof retrainSignalSchema>;

/** Fires at `high` so many times in a row, and not again before it was below `low`. */
export const triggerPolicySchema = z
  .strictObject({ high: finite, low: finite, consecutive: z.int().positive() })
  .refine(({ high, low }) => low <= high, 'low must be at most high');
export type TriggerPolicy = z.infer<typeof triggerPolicySchema>;

/** When a model is retrained: versioned with its pipeline, and stored with every decision that was made by it. */
export const retrainPolicySchema = z.strictObject({
  format: z.literal(1),
  on: z.array(z.enum(retrainReasons)),
  triggers: z.record(retrainSignalSchema, triggerPolicySchema),
  weighsGain: z.boolean().describe('Drift asks only where the expected gain is above the cost; needs a declared worth'),
  maxAgeMs: spanMs,
  cooldownMs: z.int().nonnegative(),
  // The state remembers so many instants, and must stay small.
  budget: z.strictObject({ runs: z.int().positive().max(200), perMs: spanMs }),
  newLabels: z.strictObject({
    share: z.number().positive().describe('Of the rows of the last training'),
    rareRows: z.int().positive().describe('Of the rarest class; as good as the share'),
  }),
  backOff: z.strictObject({
    after: z.int().positive().describe('So many challengers rejected in a row, or runs failed in a row'),
    firstMs: spanMs,
    longestMs: spanMs,
  }),
  scheduleMs: spanMs.describe('The fixed schedule that the policy is compared with'),
});
export type RetrainPolicy = z.infer<typeof retrainPolicySchema>;

/** A signal of one window: `score` is compared with the trigger, `what` names it in the sentence. */
export const signalSchema = z.strictObject({ score: finite, what: z.string().min(1), evidenceIds: z.array(z.string()) });
export type Signal = z.infer<typeof signalSchema>;

/** Vetoes in their order. */
export const retrainVetoes = [
  'data quality',
  'run in progress',
  'no new labels',
  'not re-armed',
  'cooldown',
  'budget',
  'back-off',
] as const;
export const retrainVetoSchema = z.enum(retrainVetoes);
export type RetrainVeto = z.infer<typeof retrainVetoSchema>;

/** Somebody or something asks. `despite` is what a person accepts by name, because it costs money or may do harm. */
export const retrainAskedSchema = z.strictObject({
  by: z.string().min(1),
  kind: z.enum(['person', 'webhook']),
  despite: z.array(z.enum(['data quality', 'budget'])),
});
export type RetrainAsked = z.infer<typeof retrainAskedSchema>;

/**
 * What is known at one instant, about the model that serves now. A signal that was not measured, or on too few rows,
 * is null: it neither fires nor re-arms. `asked` and `ended` are what happened since the observation before.
 */
export const retrainObservationSchema = z.strictObject({
  signals: z.strictObject({
    performance: signalSchema.nullable().describe('Of matured windows'),
    estimate: signalSchema
      .extend({ calibrationError: z.number().nonnegative(), calibrationLimit: z.number().nonnegative() })
      .nullable()
      .describe('Without labels; believed only while the calibration error is within its limit'),
    drift: signalSchema.nullable().describe('Of predictions or features, calibrated and persistent'),
    calibration: signalSchema.nullable().describe('Of matured windows'),
  }),
  gain: z
    .strictObject({ lower: finite, cost: z.number().nonnegative(), evidenceIds: z.array(z.string()) })
    .nullable()
    .describe('Lower bound of the expected gain, and the cost of a run, in one unit'),
  trainedAtMs: instantMs.describe('Where the data of the serving model end'),
  labels: z
    .strictObject({
      newRows: count.describe('Matured since the last training, whatever became of it'),
      newRareRows: count.nullable().describe('null for a regression, which has no classes; 0 in records of before'),
      lastTrainingRows: count,
    })
    .nullable()
    .describe('null where nothing was counted, say without traffic: then nobody knows that there are none'),
  openBreaches: count.describe('Of data quality'),
  otherRuns: count.describe('In progress, and not started by this policy'),
  asked: retrainAskedSchema.nullable(),
  ended: runOutcomeSchema.nullable().describe('How a run ended'),
  cameToNothing: z.boolean().optional().describe('What ended had not begun: it takes nothing from the budget'),
});
export type RetrainObservation = z.infer<typeof retrainObservationSchema>;

export const triggerStateSchema = z.strictObject({ armed: z.boolean(), inARow: count });
export type TriggerState = z.infer<typeof triggerStateSchema>;

/** All that the watch remembers between two observations: under 4 KB of JSON. */
export const retrainStateSchema = z.strictObject({
  format: z.literal(1),
  sinceMs: instantMs,
  lastMs: instantMs.describe('Time never runs backwards: an earlier observation counts as made now'),
  triggers: z.record(retrainSignalSchema, triggerStateSchema),
  running: z.strictObject({ kind: z.enum(['retrain', 'recalibrate']), sinceMs: instantMs }).nullable(),
  lastStartMs: instantMs.nullable(),
  startsMs: z.array(instantMs).describe('Of retrains, ascending: the newest, as many as the budget has'),
  rejectedInARow: count,
  failedInARow: count,
  backOffUntilMs: instantMs.nullable(),
  recalibrationFailed: z.boolean().describe('The next loss of calibration asks for a retrain'),
  runs: count,
  schedule: z.strictObject({ nextMs: instantMs, runs: count }),
});
export type RetrainState = z.infer<typeof retrainStateSchema>;

export const retrainDecisionReasons = [
  'performance',
  'estimate',
  'drift',
  'age',
  'new labels',
  'calibration',
  'asked',
  'nothing',
] as const;
export const retrainDecisionSchema = z.strictObject({
  decision: z.enum(['retrain', 'recalibrate', 'wait', 'suppressed']),
  reason: z.enum(retrainDecisionReasons),
  sentence: z.string().min(1).describe('The decision with its numbers'),
  inequalities: z.array(inequalitySchema).min(1),
  vetoes: z.array(z.strictObject({ veto: retrainVetoSchema, overridden: z.boolean() })),
  evidenceIds: z.array(z.string()),
  page: z.string().nullable().describe('What a person should be told'),
  counterfactual: z
    .strictObject({
      wouldRetrain: z.boolean().describe('Since the observation before'),
      scheduleRuns: count,
      ownRuns: count,
      sinceMs: instantMs,
      nextScheduledMs: instantMs,
    })
    .describe('What a fixed schedule would have done'),
});
export type RetrainDecision = z.infer<typeof retrainDecisionSchema>;
export type RetrainDecisionReason = RetrainDecision['reason'];
