/** What is asked of joined predictions: aggregates, and rows of one window at a time. */
import type { LabelWaits } from '#domain/stats/performance/lag-curve.ts';
import { hourMs, type Sha256 } from '#domain/units.ts';
import { parquetOf, quoteText } from '../tabular/sql.ts';
import type { Joined } from './joined.ts';

/** Predictions of one model with events in a window of the watch; `index` counts windows since 1970. */
export type WindowRows = { readonly index: number; readonly predictions: number; readonly labelled: number };

export const countWindows = ({ db }: Joined, modelSha256: Sha256, windowMs: number): Promise<WindowRows[]> =>
  db.rows<WindowRows>(`SELECT event_ms // ${windowMs} AS "index", count(*) AS predictions, count(label) AS labelled
    FROM joined WHERE model_sha256 = ${quoteText(modelSha256)} GROUP BY 1 ORDER BY 1`);

/** A curve of so many waits is known to a thousandth; more would only take memory. */
const mostWaits = 1_000_000;
/** Steps of the curve: a lag is known to this part of the longest; where no label has come it does not matter. */
const lagSteps = 10_000;

/** Waits of all versions, for a label does not come sooner or later by who answered. Lags are rounded up. */
export const readWaits = async ({ db }: Joined): Promise<LabelWaits> => {
  const { rows, longest } = await db.row<{ rows: number; longest: number | null }>(
    'SELECT count(*) AS rows, max(wait_ms) FILTER (label IS NOT NULL) AS longest FROM joined',
  );
  const step = Math.max(1_000, Math.ceil((longest ?? hourMs) / lagSteps));
  const oneIn = Math.ceil(rows / mostWaits);
  const counted = await db.rows<{ wait: number; arrived: boolean; rows: number }>(
    `SELECT ((wait_ms + ${step - 1}) // ${step}) * ${step} AS wait, label IS NOT NULL AS arrived, count(*) AS rows
     FROM joined WHERE draw % ${Math.max(1, oneIn)} = 0 GROUP BY ALL ORDER BY ALL`,
  );
  const total = counted.reduce((sum, one) => sum + one.rows, 0);
  const [waitsMs, arrived] = [new Float64Array(total), new Uint8Array(total)];
  let at = 0;
  for (const { wait, arrived: hasLabel, rows: count } of counted) {
    waitsMs.fill(wait, at, at + count);
    arrived.fill(hasLabel ? 1 : 0, at, at + count);
    at += count;
  }
  return { waitsMs, arrived };
};

/** Rows of a model as they are needed for a metric, each with its outputs `[width]`; labels as text of JSON. */
export type AnswerRows = {
  readonly scores: Float64Array;
  readonly width: number;
  readonly labels: readonly (string | null)[];
  readonly eventMs: Float64Array;
  /** What rows share that the join groups by; null for each where it does not. */
  readonly groups: readonly (bigint | null)[];
};

export type RowFilter = {
  readonly modelSha256: Sha256;
  /** Events in [fromMs, toMs). */
  readonly fromMs: number;
  readonly toMs: number;
  /** Also rows without a label. */
  readonly unlabelled: boolean;
  readonly width: number;
  /** No more than these. */
  readonly most: number;
  /** Which are taken where there are more: a sample that is the same again, or the newest. */
  readonly prefer: 'sample' | 'newest';
};

/** In the order of events. */
export const readAnswers = async ({ db }: Joined, filter: RowFilter): Promise<AnswerRows> => {
  const { modelSha256, fromMs, toMs, unlabelled, width, most, prefer } = filter;
  const outputs = Array.from({ length: width }, (_, k) => `scores[${k + 1}] AS s${k}`).join(', ');
  const result = await db.connection.runAndReadAll(`SELECT * FROM (
      SELECT CAST(event_ms AS DOUBLE) AS event_ms, draw, label, grouped, ${outputs} FROM joined
      WHERE model_sha256 = ${quoteText(modelSha256)} AND event_ms >= ${fromMs} AND event_ms < ${toMs}
        ${unlabelled ? '' : 'AND label IS NOT NULL'} AND len(scores) = ${width}
      ORDER BY ${prefer === 'sample' ? 'draw' : 'event_ms DESC, draw'} LIMIT ${most}
    ) ORDER BY event_ms, draw`);
  const [eventMs = [], , labels = [], groups = [], ...columns] = result.getColumns();
  const scores = new Float64Array(eventMs.length * width);
  for (const [k, column] of columns.entries()) {
    for (const [row, value] of column.entries()) scores[row * width + k] = value as number;
  }
  return {
    scores,
    width,
    labels: labels as (string | null)[],
    eventMs: Float64Array.from(eventMs as number[]),
    groups: groups as (bigint | null)[],
  };
};

export type LabelTally = { readonly label: string | null; readonly rows: number };

/** Rows of every version by their label, with events in [fromMs, toMs); those without one under null. */
export const tallyLabels = ({ db }: Joined, fromMs: number, toMs: number): Promise<LabelTally[]> =>
  db.rows<LabelTally>(`SELECT label, count(*) AS rows FROM joined
    WHERE event_ms >= ${fromMs} AND event_ms < ${toMs} GROUP BY label ORDER BY label`);

/** Rows of every version, those with a label, and those of them that waited for it longer than is waited for. */
export const tallyRows = ({ db }: Joined, afterMs: number | null) =>
  db.row<{ predictions: number; labelled: number; late: number }>(`SELECT count(*) AS predictions, count(label) AS labelled,
    count(label) FILTER (wait_ms > ${afterMs ?? Number.MAX_SAFE_INTEGER}) AS late FROM joined`);

/**
 * Labels by the id of a prediction that no shipped one has, though one that was made later has been shipped: those of
 * shadows and refusals too, for nobody was sent such an answer.
 */
export const countUnknownIds = async ({ db, files }: Joined): Promise<number> => {
  if (files.length === 0) return 0;
  const { unknown } = await db.row<{ unknown: number }>(`WITH sent AS (
      SELECT 'id:' || id AS subject FROM ${parquetOf(files)} WHERE kind = 'answered' AND NOT shadow)
    SELECT count(*) AS unknown FROM labels ANTI JOIN sent USING (subject)
    WHERE starts_with(subject, 'id:') AND subject < (SELECT max(subject) FROM sent)`);
  return unknown;
};

/** What a model loses on a row, from its outputs and the number of the label `y`. */
const lossSql = {
  brier: {
    binary: 'pow(scores[1] - y, 2)',
    // The sum over classes of (output - truth)^2.
    multiclass: 'list_dot_product(scores, scores) - 2 * scores[y + 1] + 1',
  },
  mae: { regression: 'abs(scores[1] - y)' },
} as const;

export type LabelledLoss = 'brier' | 'mae';
export type ArmQuestion = {
  readonly modelSha256: Sha256;
  readonly task: 'binary' | 'multiclass' | 'regression';
  readonly width: number;
  /** Of the label's text; null for what the model cannot be asked. */
  readonly readLabel: (json: string | null) => number | null;
};
export type ArmLoss = {
  /** First generation of a stretch over which the share was the same. */
  readonly segment: number;
  readonly rows: number;
  /** Of whom the split was drawn over: entities, or the rows themselves. */
  readonly units: number;
  readonly mean: number;
  /** Of the mean, times the rows: that of a row where rows are units, else larger by what rows of one unit have in common. */
  readonly variance: number;
};

/** More different labels than these are no classes. */
const mostClasses = 10_000;

const writeClasses = async ({ db }: Joined, readLabel: ArmQuestion['readLabel']): Promise<void> => {
  const labels = await db.rows<{ label: string }>(
    `SELECT DISTINCT label FROM joined WHERE label IS NOT NULL ORDER BY label LIMIT ${mostClasses}`,
  );
  const known = labels.flatMap(({ label }) => {
    const y = readLabel(label);
    return y === null ? [] : [`(${quoteText(label)}, ${y})`];
  });
  const values = known.length === 0 ? `(CAST(NULL AS VARCHAR), 0)` : known.join(', ');
  await db.run(`CREATE OR REPLACE TEMP TABLE classes AS SELECT * FROM (VALUES ${values}) AS v(label, y)`);
};

/**
 * Mean and variance of the loss of the labelled rows that a model answered, by stretch, ascending. No row leaves the database.
 *
 * Source: variance of a ratio of sums over clusters, by linearisation (Cochran, Sampling Techniques, 1977, section 6.3).
 */
export const measureArm = async (joined: Joined, question: ArmQuestion, segments: readonly number[]): Promise<ArmLoss[]> => {
  const { modelSha256, task, width } = question;
  const loss = task === 'regression' ? lossSql.mae.regression : lossSql.brier[task];
  if (task !== 'regression') await writeClasses(joined, question.readLabel);
  const labelled =
    task === 'regression' ? '(SELECT *, TRY_CAST(label AS DOUBLE) AS y FROM joined)' : 'joined JOIN classes USING (label)';
  const stretch = segments
    .map((generation) => `WHEN generation >= ${generation} THEN ${generation}`)
    .toReversed()
    .join(' ');
  // Sums of fractions depend on their order: it is always the same.
  return await joined.db.rows<ArmLoss>(`WITH measured AS (
      SELECT CASE ${stretch} END AS segment, grouped, draw, ${loss} AS loss FROM ${labelled}
      WHERE model_sha256 = ${quoteText(modelSha256)} AND label IS NOT NULL AND y IS NOT NULL AND len(scores) = ${width}),
    by_unit AS (SELECT segment, grouped, count(*) AS n, sum(loss ORDER BY draw) AS total FROM measured
      WHERE segment IS NOT NULL GROUP BY segment, grouped),
    means AS (SELECT segment, CAST(sum(n) AS BIGINT) AS rows, count(*) AS units,
        sum(total ORDER BY grouped) / sum(n) AS mean
      FROM by_unit GROUP BY segment HAVING sum(n) > 1)
    SELECT segment, rows, units, mean, sum(pow(total - n * mean, 2) ORDER BY grouped) / rows AS variance
    FROM by_unit JOIN means USING (segment) GROUP BY segment, rows, units, mean ORDER BY segment`);
};
