/** Segments of a server's log as Parquet: the same segment gives the same bytes, whoever writes it and however often. */
import { join } from 'node:path';
import { type Duck, withDuckDb } from '../../tabular/duckdb.ts';
import { quoteName, quoteText } from '../../tabular/sql.ts';
import { keySubjectSql } from './key-sql.ts';
import type { ConvertedSegment, ConvertJob, SegmentFile, WrittenPart } from './protocol.ts';

/** Columns of a line, as JSON gives them. What a line lacks is NULL. */
const lineColumns = {
  kind: 'VARCHAR',
  id: 'VARCHAR',
  pipeline: 'VARCHAR',
  version: 'INTEGER',
  modelSha256: 'VARCHAR',
  generation: 'BIGINT',
  arm: 'VARCHAR',
  shadow: 'BOOLEAN',
  at: 'TIMESTAMP',
  eventAt: 'TIMESTAMP',
  unit: 'VARCHAR',
  prediction: 'JSON',
  scores: 'DOUBLE[]',
  inputs: 'JSON',
  views: 'JSON',
  status: 'INTEGER',
  code: 'VARCHAR',
  message: 'VARCHAR',
} as const;

/** A line holds a row with its published values; more than this is no record. */
const longestLineBytes = 16 * 1_048_576;
/** Readers skip a row group by its statistics; a writer holds one in memory. */
const rowGroupRows = 122_880;

const readLines = async (db: Duck, file: string): Promise<void> => {
  const columns = Object.entries(lineColumns).map(([name, type]) => `${quoteName(name)}: '${type}'`);
  await db.run(`CREATE OR REPLACE TEMP TABLE lines AS SELECT *, date_trunc('hour', "at") AS hour
    FROM read_json(${quoteText(file)}, format = 'newline_delimited', columns = {${columns.join(', ')}},
      ignore_errors = true, maximum_object_size = ${longestLineBytes})`);
};

const isRecord = 'kind IS NOT NULL AND id IS NOT NULL AND pipeline IS NOT NULL AND "at" IS NOT NULL';

type Group = { pipeline: string; hour: string; rows: number; first_event_at: string | null; last_event_at: string | null };

const instantSql = (time: string): string => `strftime(${time}, '%Y-%m-%dT%H:%M:%S.%g') || 'Z'`;

const groupLines = (db: Duck): Promise<Group[]> =>
  db.rows<Group>(`SELECT pipeline, ${instantSql('hour')} AS hour, count(*) AS rows,
      ${instantSql('min("eventAt")')} AS first_event_at, ${instantSql('max("eventAt")')} AS last_event_at
    FROM lines WHERE ${isRecord} GROUP BY pipeline, hour ORDER BY pipeline, hour`);

/** A shadow has the id of the answer that was sent: both are needed for an order that is always the same. */
const writePart = async (db: Duck, { pipeline, hour }: Group, keyColumns: readonly string[], file: string): Promise<void> => {
  await db.run(`COPY (
    SELECT kind, id, pipeline, version, "modelSha256" AS model_sha256, generation, arm, shadow, "at", "eventAt" AS event_at,
      unit, CAST(prediction AS VARCHAR) AS prediction, scores, CAST(inputs AS VARCHAR) AS inputs, CAST(views AS VARCHAR) AS views,
      ${keySubjectSql('inputs', keyColumns)} AS key_subject, status, code, message
    FROM lines WHERE ${isRecord} AND pipeline = ${quoteText(pipeline)} AND hour = CAST(${quoteText(hour)} AS TIMESTAMP)
    ORDER BY "at", id, shadow NULLS FIRST, kind
  ) TO ${quoteText(file)} (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE ${rowGroupRows})`);
};

const convertSegment = async (db: Duck, job: ConvertJob, segment: SegmentFile, index: number): Promise<ConvertedSegment> => {
  await readLines(db, segment.file);
  const parts: WrittenPart[] = [];
  for (const group of await groupLines(db)) {
    const file = join(job.folder, `${index}-${parts.length}.parquet`);
    await writePart(db, group, job.keys[group.pipeline] ?? [], file);
    const { pipeline, hour, rows } = group;
    parts.push({ pipeline, hour, file, rows, firstEventAt: group.first_event_at, lastEventAt: group.last_event_at });
  }
  const { unreadable } = await db.row<{ unreadable: number }>(`SELECT count(*) AS unreadable FROM lines WHERE NOT (${isRecord})`);
  return { segment, parts, unreadable };
};

/** Writes the parts of all segments, in their order. One thread, so that the order of rows, and with it each byte, is the same. */
export const convertSegments = (job: ConvertJob): Promise<ConvertedSegment[]> => {
  const { folder, memoryMiB, segments } = job;
  const allowedFolders = segments.map(({ file }) => file);
  return withDuckDb({ folder, memoryMiB, threads: 1, allowedFolders }, async (db) => {
    const converted: ConvertedSegment[] = [];
    for (const [index, segment] of segments.entries()) converted.push(await convertSegment(db, job, segment, index));
    return converted;
  });
};
