import { z } from 'zod';
import { qualityBreachSchema } from './drift-report.ts';
import { driftMemorySchema, driftObservationSchema, driftPolicySchema } from './drift-state.ts';
import { instantSchema, pipelineNameSchema, runKeySchema, sha256Schema, versionNumberSchema } from './ids.ts';
import { retrainObservationSchema, retrainPolicySchema, retrainStateSchema } from './retrain-policy.ts';
import { runOutcomeSchema, verdictSchema } from './verdict.ts';

const count = z.int().nonnegative();
/** Milliseconds since 1970. */
const instantMs = z.int().nonnegative();
const span = { from: instantSchema, to: instantSchema };

/** What a watch goes by, taken from one definition: the levels of drift, the rules of retraining, and how often it looks. */
export const watchPlanSchema = z.strictObject({
  pipeline: pipelineNameSchema,
  definitionSha256: sha256Schema,
  everyMs: z.int().positive(),
  silentAfterMs: z.int().positive().describe('Without new data for so long by the wall, a person is told'),
  drift: driftPolicySchema,
  retrain: retrainPolicySchema,
});
export type WatchPlan = z.infer<typeof watchPlanSchema>;

/** A window that closed: what decides, and where all of it is. */
export const watchWindowSchema = z.strictObject({
  observation: driftObservationSchema,
  rows: count,
  reportSha256: sha256Schema,
});
export type WatchWindow = z.infer<typeof watchWindowSchema>;

/** A window whose labels have matured. */
export const performanceVerdictSchema = z.strictObject({
  ...span,
  reportSha256: sha256Schema,
  performance: verdictSchema.nullable(),
  calibration: z.strictObject({ remedy: z.enum(['none', 'recalibrate', 'retrain']), verdict: verdictSchema }).nullable(),
});
export type PerformanceVerdict = z.infer<typeof performanceVerdictSchema>;

/** Whether labels come as they did, or the newest window by whose age they should have come. */
export const labelFeedSchema = z.union([z.literal('as usual'), z.strictObject({ ...span, statement: z.string() })]);
export type LabelFeed = z.infer<typeof labelFeedSchema>;

/** What labels, and probabilities without labels, say since the look before. */
export const performanceMeasuredSchema = z.strictObject({
  windows: z.array(performanceVerdictSchema).describe('Newly matured, oldest first'),
  estimate: z
    .strictObject({
      ...span,
      reportSha256: sha256Schema,
      verdict: verdictSchema,
      calibrationError: z.number().nonnegative(),
      calibrationLimit: z.number().nonnegative(),
    })
    .nullable()
    .describe('Of the newest closed window, without labels; null where there is none'),
  breaches: z.array(qualityBreachSchema).describe('Of the feed of labels'),
  labelFeed: labelFeedSchema.nullable().optional().describe('Where windows never mature; null where it cannot be told'),
  labels: retrainObservationSchema.shape.labels,
  gain: retrainObservationSchema.shape.gain,
});
export type PerformanceMeasured = z.infer<typeof performanceMeasuredSchema>;

export const endedRunSchema = z.strictObject({
  runKey: runKeySchema,
  outcome: runOutcomeSchema,
  reason: z.string(),
  endedAt: instantSchema,
});
export type EndedRun = z.infer<typeof endedRunSchema>;

/** The model that serves, as the watch knows it. */
export const watchedModelSchema = z.strictObject({
  version: versionNumberSchema,
  modelSha256: sha256Schema,
  profileSha256: sha256Schema.nullable().describe('null: nothing to compare with, so drift cannot be told'),
  features: count,
  predictions: count,
});
export type WatchedModel = z.infer<typeof watchedModelSchema>;

/** How far a watch has come with the windows of one profile. */
export const profileCursorSchema = z.strictObject({
  profileSha256: sha256Schema.nullable(),
  judgedUntil: instantSchema.nullable().describe('End of the last drift window'),
  maturedUntil: instantSchema.nullable().describe('End of the last performance window'),
  estimatedUntil: instantSchema.nullable().describe('End of the last window that was estimated without labels'),
});
export type ProfileCursor = z.infer<typeof profileCursorSchema>;

/** How far a watch has come: it is told each window and each ended run once. */
export const watchCursorSchema = z.strictObject({
  ...profileCursorSchema.shape,
  past: z
    .array(profileCursorSchema)
    .max(4)
    .optional()
    .describe('Of profiles before: a champion that comes back is not judged again'),
  runsAfter: z
    .strictObject({ endedAt: instantSchema, runKey: runKeySchema })
    .describe('The last ended run that was heard; an instant and a key, because two may end at once'),
});
export type WatchCursor = z.infer<typeof watchCursorSchema>;

/** Served rows of a window that were computed again from the data, and are another. */
export const skewFoundSchema = z.strictObject({ ...span, reportSha256: sha256Schema, reason: z.string() });
export type SkewFound = z.infer<typeof skewFoundSchema>;

/** What one look found. A window is measured once, however often it is asked for. */
export const watchMeasurementSchema = z.strictObject({
  dataTime: instantSchema.nullable().describe('Newest event time that enough rows stand behind; null without traffic'),
  model: watchedModelSchema.nullable().describe('null while nobody serves'),
  trainedAt: instantSchema.nullable().describe('Where the data of the serving model end'),
  windows: z.array(watchWindowSchema).describe('Closed since the look before, oldest first'),
  more: z.boolean().describe('There are closed windows beyond these: look again at once'),
  performance: performanceMeasuredSchema.nullable(),
  openBreaches: count.describe('Windows in quarantine that nobody released, among the newest'),
  ended: z.array(endedRunSchema).describe('Oldest first'),
  otherRuns: z.array(runKeySchema).describe('In progress, whoever started them; or a rollout that somebody began by hand'),
  paused: z
    .strictObject({ by: z.string(), reason: z.string() })
    .nullable()
    .optional()
    .describe('The pipeline is paused in PostgreSQL, whatever the watch was told'),
  skew: skewFoundSchema.nullable().optional().describe('Of the newest window; null where nothing differs or was compared'),
  problem: z.string().nullable().optional().describe('What could not be measured, where the rest of the look holds'),
});
export type WatchMeasurement = z.infer<typeof watchMeasurementSchema>;

/** A report that was judged, for the query; the newest first. */
export const watchReportViewSchema = z.strictObject({
  kind: z.enum(['drift', 'performance']),
  ...span,
  outcome: z.string(),
  reason: z.string(),
  reportSha256: sha256Schema,
});

export const watchDecisionViewSchema = z.strictObject({
  at: instantSchema,
  decision: z.string(),
  reason: z.string(),
  sentence: z.string(),
});

/** What was known at the last look: enough to answer an alert without looking again. */
export const watchFactsSchema = z.strictObject({
  dataTime: instantSchema.nullable(),
  model: watchedModelSchema.nullable(),
  trainedAtMs: instantMs.describe('By the wall while nobody serves'),
  goneMs: count.optional().describe('By the wall, since the data time last moved'),
  labels: retrainObservationSchema.shape.labels,
  gain: retrainObservationSchema.shape.gain,
  openBreaches: count,
  otherRuns: z.array(runKeySchema).max(20),
});
export type WatchFacts = z.infer<typeof watchFactsSchema>;

/**
 * All that a watch remembers; it survives continue-as-new. Under 40 KB: lists are bounded, and the memory of drift takes
 * some 45 bytes for each variable. A reader that meets another format refuses it.
 */
export const watchStateSchema = z.strictObject({
  format: z.literal(1),
  plan: watchPlanSchema,
  retrain: retrainStateSchema.nullable().describe('null until the first data time'),
  drift: driftMemorySchema.nullable().describe('Of the profile that serves; null without one'),
  cursor: watchCursorSchema,
  facts: watchFactsSchema.nullable(),
  openBreaches: z.boolean().describe('The newest window was broken: a person was told when that began'),
  run: z
    .strictObject({ workflowId: z.string(), runKey: runKeySchema })
    .nullable()
    .describe('Started by this watch, not yet ended'),
  snoozed: z
    .strictObject({
      untilMs: instantMs,
      by: z.string(),
      reason: z.string(),
      recorded: z.boolean().optional().describe('Read from PostgreSQL and told by nobody: over as soon as it is over there'),
    })
    .nullable(),
  alerts: z
    .array(z.strictObject({ source: z.string(), text: z.string(), count }))
    .max(8)
    .describe('That ask for a retrain and were not answered yet, by source'),
  recentAlerts: z.array(z.string()).max(200).describe('Ids, the newest last: the same alert twice is one'),
  performance: z.strictObject({ outcome: z.string(), reason: z.string() }).nullable(),
  lastDecision: z.strictObject({ fingerprint: z.string(), collapsed: count }).nullable(),
  decisions: z.array(watchDecisionViewSchema).max(20),
  reports: z.array(watchReportViewSchema).max(20),
  lookedAtMs: instantMs.nullable().describe('When the last look began, by the wall; null before the first'),
  wanted: z.boolean().describe('Something happened that asks for a look, though not at once'),
  advancedAtMs: instantMs.describe('When, by the wall, the data time last moved'),
  clock: z
    .strictObject({ ms: instantMs, wallMs: instantMs })
    .optional()
    .describe('The instant of the data that decisions go by, and when by the wall it was first known'),
  failing: z
    .strictObject({ looks: count, told: z.boolean() })
    .nullable()
    .optional()
    .describe('Looks that failed in a row, and whether a person was told'),
  silent: z.boolean().describe('A person was told that nothing comes'),
  unlabelled: z.boolean().optional().describe('A person was told that labels stay away'),
  problem: z.string().nullable().describe('Why the last look did not come to its end'),
  counters: z.strictObject({
    decisions: count.describe('Numbers the decisions of this watch, for ever'),
    windows: count,
    alerts: count,
    notices: count,
    runs: count,
  }),
});
export type WatchState = z.infer<typeof watchStateSchema>;

/** A watch begins with a pipeline, and goes on with what the run before it knew. */
export const watchInputSchema = z.strictObject({
  format: z.literal(1),
  pipeline: pipelineNameSchema,
  state: watchStateSchema.optional().describe('Absent where a watch begins'),
});
export type WatchInput = z.infer<typeof watchInputSchema>;
