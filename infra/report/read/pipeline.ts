/** One pipeline's part of the report, gathered from PostgreSQL and the content store. */
import { z } from 'zod';
import { dayMs, type Instant, type PipelineName } from '#domain/units.ts';
import type { ContentStore } from '../../objects/store.ts';
import { createDecisions, type RecordedDecision } from '../../postgres/decisions.ts';
import type { Db } from '../../postgres/pool.ts';
import { createRollouts } from '../../postgres/rollouts.ts';
import { createTallies } from '../../postgres/tally-totals.ts';
import { createWatchHistory, type QuarantinedWindow } from '../../postgres/watch-history.ts';
import type { MeasuredWindow } from '../../postgres/watch-reports.ts';
import { createWatchViews } from '../../postgres/watch-views.ts';
import type { DecisionPoint, PipelineReport, WindowPoint } from '../data.ts';
import { readPerformance } from './performance.ts';
import { readRollout } from './rollouts.ts';
import { nothingShown, readWindow } from './window.ts';

export type ReportSources = { readonly db: Db; readonly content: Pick<ContentStore, 'getJson'> };
/** `window`: the beginning of the window that is shown in full; the newest without it. */
export type ReportOptions = { readonly window?: Instant };

/** What is shown: the newest of each. A month of days, and more decisions than an eye tells apart. */
const limits = { windows: 60, performance: 30, decisions: 150, rollouts: 4, looks: 1_000 } as const;

/** A window is judged for drift, or set aside for the quality of its data. */
const judging = ['drift', 'quality'] as const;

const summarySchema = z
  .object({ rows: z.number(), scoreMean: z.number().nullable(), positiveShare: z.number().nullable() })
  .partial();

const toPoint = (
  measured: MeasuredWindow,
  outcomes: ReadonlyMap<string, string>,
  quarantined: readonly QuarantinedWindow[],
): WindowPoint => {
  const { from, to, outcome, summary, profileSha256 } = measured;
  const { rows, scoreMean, positiveShare } = summarySchema.safeParse(summary).data ?? {};
  return {
    from,
    to,
    profileSha256,
    rows: rows ?? 0,
    scoreMean: scoreMean ?? null,
    positiveShare: positiveShare ?? null,
    outcome: outcomes.get(`${from}/${to}`) ?? outcome,
    quarantined: quarantined.some((one) => one.releasedAt === null && one.from === from && one.to === to),
  };
};

/** Clocks that differ by less tell the same time. */
const sameClockMs = dayMs;

/**
 * Rollouts go by the wall, the watch by the data, which may be years apart. A decision of a rollout is drawn at the data
 * time of the decision of the watch that was recorded just before it; of the first one after it, where there is none.
 */
const toDecisions = (decisions: readonly RecordedDecision[]): DecisionPoint[] => {
  let dataTime = decisions.findLast(({ record }) => record.kind !== 'rollout')?.record.at ?? null;
  const points = [...decisions].reverse().map(({ id, record: { at, kind, action, subject, reason } }): DecisionPoint => {
    if (kind !== 'rollout') dataTime = at;
    const isApart = dataTime !== null && Math.abs(Date.parse(at) - Date.parse(dataTime)) > sameClockMs;
    return { ...{ id, at, kind, action, subject, reason }, drawnAt: isApart ? (dataTime as Instant) : at };
  });
  return points.reverse();
};

const readShown = async ({ db, content }: ReportSources, name: PipelineName, measured: MeasuredWindow | undefined) => {
  if (measured === undefined) return nothingShown;
  const { profileSha256, from, to } = measured;
  const [totals, decisions] = await Promise.all([
    createTallies(db).windows(name, profileSha256, { from, to }),
    createDecisions(db).list(name, { kinds: [...judging], subject: `${from}/${to}`, limit: 4 }),
  ]);
  // What is said of the labels of a window is no judgement of it.
  return readWindow({ content, measured, decision: decisions.find(({ record }) => outcomeOf(record) !== null), totals });
};

const readRollouts = async (db: Db, name: PipelineName) => {
  const rows = await createRollouts(db).list(name, limits.rollouts);
  return Promise.all(
    rows.map(async (row) =>
      readRollout(row, await createDecisions(db).list(name, { kinds: ['rollout'], subject: row.id, limit: limits.looks })),
    ),
  );
};

const readWindows = async (
  { db }: ReportSources,
  name: PipelineName,
  drift: readonly MeasuredWindow[],
): Promise<WindowPoint[]> => {
  const oldest = drift.at(-1);
  if (oldest === undefined) return [];
  const [quarantined, judged] = await Promise.all([
    createWatchHistory(db).quarantined(name, oldest.from),
    createDecisions(db).list(name, { kinds: [...judging], limit: 2 * limits.windows }),
  ]);
  const outcomes = new Map<string, string>();
  for (const { record } of [...judged].reverse()) {
    const outcome = outcomeOf(record);
    if (outcome !== null) outcomes.set(record.subject, outcome);
  }
  return [...drift].reverse().map((one) => toPoint(one, outcomes, quarantined));
};

const verdictSchema = z.object({ verdict: z.object({ outcome: z.string() }) });
const outcomeOf = ({ output }: RecordedDecision['record']): string | null =>
  verdictSchema.safeParse(output).data?.verdict.outcome ?? null;

/** What one pipeline has to tell; a pipeline that was never watched gives an empty part. */
export const readPipelineReport = async (
  sources: ReportSources,
  name: PipelineName,
  { window }: ReportOptions = {},
): Promise<PipelineReport> => {
  const { db, content } = sources;
  const [history, decisions] = [createWatchHistory(db), createDecisions(db)];
  const [drift, [shown], labelled, judged, newest, rollouts, ages] = await Promise.all([
    history.reports(name, 'drift', { limit: limits.windows }),
    history.reports(name, 'drift', { limit: 1, ...(window !== undefined && { from: window }) }),
    history.reports(name, 'performance', { limit: limits.performance }),
    decisions.list(name, { kinds: ['performance'], limit: limits.performance }),
    decisions.list(name, { limit: limits.decisions }),
    readRollouts(db, name),
    createWatchViews(db).championAges(),
  ]);
  const ofShown = shown === undefined ? [] : await history.reports(name, 'performance', { limit: 1, from: shown.from });
  return {
    pipeline: name,
    champion: ages.get(name) ?? null,
    ...(await readShown(sources, name, shown)),
    windows: await readWindows(sources, name, drift),
    performance: await readPerformance({ content, measured: labelled, decisions: judged, shown, ofShown }),
    rollouts,
    decisions: toDecisions(newest),
  };
};
