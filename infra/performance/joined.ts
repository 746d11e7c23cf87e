/** Shipped predictions and what became known of them, side by side in DuckDB. */
import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline as pipe } from 'node:stream/promises';
import { PerennialError } from '#domain/errors.ts';
import { hourMs, type Instant, minuteMs, type PipelineName, type Sha256 } from '#domain/units.ts';
import { groupSql } from '../capture/convert/key-sql.ts';
import { mapParallel } from '../objects/parallel.ts';
import type { ContentStore } from '../objects/store.ts';
import type { Labels } from '../postgres/labels.ts';
import type { PredictionPart } from '../postgres/prediction-parts.ts';
import { type Duck, withDuckDb } from '../tabular/duckdb.ts';
import { parquetOf, quoteText } from '../tabular/sql.ts';

export type JoinDeps = {
  readonly content: Pick<ContentStore, 'localFile'>;
  readonly labels: Pick<Labels, 'read'>;
  readonly limits: { readonly memoryMiB: number; readonly threads: number };
};

export type JoinScope = {
  readonly pipeline: PipelineName;
  /** What to join. Whole hours, where it is asked which ids nobody has. */
  readonly parts: readonly PredictionPart[];
  /** Of events; null for all that the parts hold. */
  readonly from: Instant | null;
  /** Ages are counted until then. */
  readonly dataTime: Instant;
  /** Rows with the same values in these inputs, or of whom the split was drawn over, are given one number; null where nobody asks. */
  readonly groupBy: readonly string[] | 'unit' | null;
  /** Private, for what does not fit into memory. */
  readonly folder: string;
  readonly signal?: AbortSignal | undefined;
};

/** How many files are fetched at once. */
const parallelFiles = 4;
/** Between the making of an id and the answer a request may wait for so long. */
const longestRequestMs = minuteMs;

const writeLabels = async (labels: JoinDeps['labels'], { pipeline, folder, parts }: JoinScope): Promise<string> => {
  const hours = parts.map((part) => Date.parse(part.hour));
  const file = join(folder, 'labels.tsv');
  const span = { fromMs: Math.min(...hours) - longestRequestMs, toMs: Math.max(...hours) + hourMs };
  await pipe(Readable.from(labels.read(pipeline, span)), createWriteStream(file, { mode: 0o600 }));
  return file;
};

const noGroup = 'CAST(NULL AS UBIGINT)';
/** A row without a unit is its own. */
const unitGroup = `hash(coalesce('unit ' || p.unit, 'id ' || p.id))`;

const groupOf = (groupBy: JoinScope['groupBy']): string => {
  if (groupBy === null) return noGroup;
  return groupBy === 'unit' ? unitGroup : groupSql('p.inputs', groupBy);
};

const loadLabels = async (db: Duck, file: string): Promise<void> => {
  const columns = `{subject: 'VARCHAR', label: 'VARCHAR', known_ms: 'BIGINT'}`;
  await db.run(`CREATE TABLE labels AS FROM read_csv(${quoteText(file)}, delim = '\t', quote = '', escape = '', header = false,
    auto_detect = false, columns = ${columns})`);
};

/**
 * A label by the prediction's id goes before one by the key of its row. A label that says it is from after the data time is
 * known now, and one from before its event was known at once: waits are never negative.
 */
const loadPredictions = async (db: Duck, files: readonly string[], { from, dataTime, groupBy }: JoinScope): Promise<void> => {
  const nowMs = Date.parse(dataTime);
  await db.run(`CREATE TABLE joined AS
    SELECT version, model_sha256, generation, arm, scores, hash(id) AS draw, event_ms, label, grouped,
      greatest(0, CASE WHEN label IS NULL THEN ${nowMs} ELSE least(known_ms, ${nowMs}) END - event_ms) AS wait_ms
    FROM (
      SELECT p.*, ${groupOf(groupBy)} AS grouped, epoch_ms(p.event_at) AS event_ms, coalesce(by_id.label, by_key.label) AS label,
        CASE WHEN by_id.label IS NULL THEN by_key.known_ms ELSE by_id.known_ms END AS known_ms
      FROM (FROM ${parquetOf(files)} WHERE kind = 'answered' AND NOT shadow
        ${from === null ? '' : `AND event_at >= CAST(${quoteText(from)} AS TIMESTAMP)`}) AS p
      LEFT JOIN labels AS by_id ON by_id.subject = 'id:' || p.id
      LEFT JOIN labels AS by_key ON by_key.subject = p.key_subject
    )`);
};

const withNothing = async (db: Duck): Promise<void> => {
  await db.run(`CREATE TABLE labels (subject VARCHAR, label VARCHAR, known_ms BIGINT)`);
  await db.run(`CREATE TABLE joined (version INTEGER, model_sha256 VARCHAR, generation BIGINT, arm VARCHAR, scores DOUBLE[],
    draw UBIGINT, event_ms BIGINT, label VARCHAR, grouped UBIGINT, wait_ms BIGINT)`);
};

/** One lost hour must not keep all others from being measured. */
const readable = async ({ content }: JoinDeps, sha256: Sha256): Promise<string | null> => {
  try {
    return await content.localFile(sha256);
  } catch (error) {
    const isLost = error instanceof PerennialError && ['PRN_NOT_FOUND', 'PRN_OBJECT_CORRUPT'].includes(error.code);
    if (isLost) return null;
    throw error;
  }
};

/** What was shipped and labelled, for the questions of `questions.ts`. */
export type Joined = {
  /** Parts that the store has lost or that are damaged: their predictions are missing here; `perennial verify` names them. */
  readonly unreadable: number;
  /** With tables `joined`, one row for each prediction that was sent, and `labels`. */
  readonly db: Duck;
  readonly files: readonly string[];
};

/**
 * Joins predictions that were sent with their labels, as text of JSON, and lets the work ask.
 * Memory is DuckDB's; what is larger spills into the folder.
 */
export const withJoined = async <T>(deps: JoinDeps, scope: JoinScope, work: (joined: Joined) => Promise<T>): Promise<T> => {
  const { folder, parts, signal } = scope;
  const found = await mapParallel(parts, parallelFiles, ({ sha256 }) => readable(deps, sha256));
  const files = found.filter((file) => file !== null);
  return await withDuckDb({ folder, ...deps.limits, allowedFolders: files, signal }, async (db) => {
    if (files.length === 0) await withNothing(db);
    else {
      await loadLabels(db, await writeLabels(deps.labels, scope));
      await loadPredictions(db, files, scope);
    }
    return await work({ db, files, unreadable: parts.length - files.length });
  });
};
