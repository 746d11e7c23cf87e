/** What a watch decided about retraining, as its records hold it. */
import { z } from 'zod';
import { driftReportSchema } from '#domain/contracts/drift-report.ts';
import type { DriftObservation } from '#domain/contracts/drift-state.ts';
import {
  retrainDecisionSchema,
  retrainObservationSchema,
  retrainPolicySchema,
  retrainStateSchema,
} from '#domain/contracts/retrain-policy.ts';
import { observeReport } from '#domain/decide/drift/observe-report.ts';
import type { MadeDecision } from '#domain/decide/watch/backtest.ts';
import type { PipelineName, Sha256 } from '#domain/units.ts';
import { createDecisions, type RecordedDecision } from '../../../infra/postgres/decisions.ts';
import type { Context } from '../context.ts';

const inputSchema = z.object({
  policy: retrainPolicySchema,
  state: retrainStateSchema,
  observation: retrainObservationSchema,
  nowMs: z.number(),
});
const outputSchema = z.object({ decision: retrainDecisionSchema });
const windowInputSchema = z.object({ reportSha256: z.string() });

const rowsAtOnce = 500;

/** All records of the watch, oldest first. */
const readRecords = async (context: Context, pipeline: PipelineName): Promise<RecordedDecision[]> => {
  const decisions = createDecisions(context.database.db);
  const all: RecordedDecision[] = [];
  for (let afterId = 0; ; afterId = all.at(-1)?.id ?? 0) {
    const more = await decisions.list(pipeline, { kinds: ['drift', 'quality', 'retrain'], afterId, limit: rowsAtOnce });
    all.push(...more);
    if (more.length < rowsAtOnce) return all;
  }
};

const observationOf = async (context: Context, { record }: RecordedDecision): Promise<DriftObservation | null> => {
  const input = windowInputSchema.safeParse(record.input);
  if (!input.success) return null;
  const report = driftReportSchema.safeParse(await context.content.getJson(input.data.reportSha256 as Sha256));
  return report.success ? observeReport(report.data) : null;
};

/** The watch records a window's verdict just before what follows from it: the next row but of another subject ends the pair. */
const pairWindows = (records: readonly RecordedDecision[]): Map<number, RecordedDecision> => {
  const pairs = new Map<number, RecordedDecision>();
  for (const [at, one] of records.entries()) {
    const before = records[at - 1];
    if (one.record.kind === 'retrain' && before !== undefined && before.record.kind !== 'retrain') pairs.set(one.id, before);
  }
  return pairs;
};

/**
 * Decisions about retraining, oldest first; with `windows` each with the observation of the window that it is about. What
 * was declined without asking the rules (alerts of a snoozed watch) is left out.
 */
export const readHistory = async (context: Context, pipeline: PipelineName, windows: boolean): Promise<MadeDecision[]> => {
  const records = await readRecords(context, pipeline);
  const pairs = pairWindows(records);
  const made: MadeDecision[] = [];
  for (const one of records) {
    const { key, at, subject, kind, input, output } = one.record;
    const [read, given] = [inputSchema.safeParse(input), outputSchema.safeParse(output)];
    if (kind !== 'retrain' || !read.success || !given.success) continue;
    const about = windows ? pairs.get(one.id) : undefined;
    const window = about === undefined ? null : await observationOf(context, about);
    made.push({ key, at, subject, ...read.data, decision: given.data.decision, window } as MadeDecision);
  }
  return made;
};
