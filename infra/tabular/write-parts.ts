import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { DatasetPart, DatasetSchema } from '#domain/contracts/dataset.ts';
import { PerennialError } from '#domain/errors.ts';
import type { Instant, Sha256 } from '#domain/units.ts';
import { type Duck, duckMessage } from './duckdb.ts';
import { keyNames, totalOrder } from './rejects.ts';
import { badRow, beforeCutoff, namedColumnsSql, type RowPlan, typedName, typedRows } from './rows.ts';
import { quoteName, quoteText } from './sql.ts';
import { castSql } from './typed.ts';

/** Buckets of rows that have no event time. A change makes every such dataset new. */
export const hashBuckets = 64;

/** The size of a row group is part of the bytes, and so of every digest: it must not follow a default. */
const rowGroup = 122_880;
const partOptions = `FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE ${rowGroup}`;

export type LabelPlan = {
  readonly sql: string;
  readonly type: DatasetSchema['columns'][number]['type'];
  readonly duckType: string;
};
export type PartRange = { readonly from: string | number; readonly to: string | number; readonly rows: number };
export type Probe = { readonly groups: readonly PartRange[]; readonly rows: number; readonly broken: number };

/** Event day, or a bucket by the key (by the whole row where it has none). MD5, because it is the same in every version. */
const partitionSql = (plan: RowPlan): string => {
  if (plan.eventTime !== null) return `${typedName(plan, plan.eventTime)}::DATE`;
  const names = plan.key.length > 0 ? keyNames(plan) : plan.columns.map((_, index) => `t${index}`);
  const text = names.map((name) => `coalesce(${name}::VARCHAR, chr(30))`).join(', ');
  return `(md5_number_lower(concat_ws(chr(31), ${text})) % ${hashBuckets})::INTEGER`;
};

/**
 * Counts good and broken rows, and cuts the partitions into ranges of at most `rowsAtOnce` rows, so that sorting one
 * range fits into memory at any size of the whole.
 */
export const probeRows = async (db: Duck, plan: RowPlan, rowsAtOnce: number): Promise<Probe> => {
  const day = plan.eventTime === null ? 'NULL' : `${typedName(plan, plan.eventTime)}::DATE`;
  const counts = await db.rows<{ day: string | null; good: number; broken: number }>(`SELECT day::VARCHAR AS day,
    count(*) FILTER (NOT bad) AS good, count(*) FILTER (bad) AS broken
    FROM (SELECT ${day} AS day, ${badRow(plan)} AS bad FROM ${typedRows(plan)} WHERE ${beforeCutoff(plan)}) GROUP BY day ORDER BY day`);
  const rows = counts.reduce((sum, count) => sum + count.good, 0);
  const broken = counts.reduce((sum, count) => sum + count.broken, 0);
  const groups = plan.eventTime === null ? bucketGroups(rows, rowsAtOnce) : dayGroups(counts, rowsAtOnce);
  return { groups, rows, broken };
};

const bucketGroups = (rows: number, rowsAtOnce: number): PartRange[] => {
  if (rows === 0) return [];
  const ranges = Math.min(hashBuckets, Math.ceil(rows / rowsAtOnce));
  const edge = (index: number) => Math.round((index * hashBuckets) / ranges);
  return Array.from({ length: ranges }, (_, index) => ({
    from: edge(index),
    to: edge(index + 1) - 1,
    rows: Math.round(rows / ranges),
  }));
};

const dayGroups = (days: readonly { day: string | null; good: number }[], rowsAtOnce: number): PartRange[] => {
  const groups: PartRange[] = [];
  for (const { day, good } of days) {
    if (day === null || good === 0) continue;
    const last = groups.at(-1);
    if (last && last.rows + good <= rowsAtOnce) groups[groups.length - 1] = { ...last, to: day, rows: last.rows + good };
    else groups.push({ from: day, to: day, rows: good });
  }
  return groups;
};

/** Where the source has instants, whole row groups of it can be skipped. */
const rawRange = (plan: RowPlan, range: PartRange): string => {
  const index = plan.columns.findIndex((column) => column.name === plan.eventTime);
  const source = plan.sourceColumns.find((column) => column.name.toLowerCase() === plan.eventTime?.toLowerCase());
  if (index < 0 || source?.duckType !== 'TIMESTAMP') return 'true';
  return `r${index} >= DATE ${quoteText(String(range.from))} AND r${index} < DATE ${quoteText(String(range.to))} + 1`;
};

/** Rows that no rule sets aside, of one range or of all; of duplicates only the first. */
const goodRows = (plan: RowPlan, hasDuplicates: boolean, range: PartRange | null = null): string => {
  const names = plan.columns.map((_, index) => `t${index}`).join(', ');
  const nearby = range === null ? 'true' : rawRange(plan, range);
  const good = `SELECT ${names} FROM ${typedRows(plan)} WHERE ${nearby} AND NOT ${badRow(plan)} AND ${beforeCutoff(plan)}`;
  if (!hasDuplicates) return good;
  const keys = keyNames(plan).join(', ');
  return `${good} AND (${keys}) NOT IN (SELECT (${keys}) FROM duplicate_keys) UNION ALL SELECT ${names} FROM first_of_duplicates`;
};

/** Finds keys that name more than one good row and keeps the first row of each; returns the number of further rows. */
export const findDuplicates = async (db: Duck, plan: RowPlan): Promise<number> => {
  if (plan.key.length === 0) return 0;
  const keys = keyNames(plan).join(', ');
  const good = goodRows(plan, false);
  await db.run(
    `CREATE OR REPLACE TABLE duplicate_keys AS SELECT ${keys}, count(*) - 1 AS further FROM (${good}) GROUP BY ${keys} HAVING count(*) > 1`,
  );
  const { further } = await db.row<{ further: number }>(
    'SELECT coalesce(sum(further), 0)::BIGINT AS further FROM duplicate_keys',
  );
  if (further > 0)
    await db.run(`CREATE OR REPLACE TABLE first_of_duplicates AS SELECT * FROM (${good}) WHERE (${keys}) IN (SELECT (${keys}) FROM duplicate_keys)
      QUALIFY row_number() OVER (PARTITION BY ${keys} ORDER BY ${totalOrder(plan)}) = 1`);
  return further;
};

const inRange = (plan: RowPlan, range: PartRange): string => {
  if (plan.eventTime === null) return `part BETWEEN ${range.from} AND ${range.to}`;
  return `part BETWEEN DATE ${quoteText(String(range.from))} AND DATE ${quoteText(String(range.to))}`;
};

/**
 * A total order of what is stored. The event time implies its day, and a computed label the columns that it is made of
 * (unless it takes the place of one): what is implied would only widen the sort key.
 */
const orderOf = (plan: RowPlan, schema: DatasetSchema, label: LabelPlan | null): string => {
  const isImplied = label !== null && !plan.columns.some((column) => column.name === schema.label);
  const columns = schema.columns
    .map((column) => column.name)
    .filter((name) => name !== schema.eventTime && !(isImplied && name === schema.label));
  return [schema.eventTime ?? 'part', ...columns].map((name) => `${quoteName(name)} ASC NULLS LAST`).join(', ');
};

/** SQL for the rows of a range in their final form: column "part", then the columns of the schema, in total order. */
const finalRows = ({ plan, schema, label, hasDuplicates }: Writing, range: PartRange): string => {
  const rows = goodRows(plan, hasDuplicates, range);
  const named = `SELECT ${namedColumnsSql(plan)}, part FROM (SELECT *, ${partitionSql(plan)} AS part FROM (${rows})) WHERE ${inRange(plan, range)}`;
  const source = label === null ? named : `SELECT *, ${label.sql} AS __label FROM (${named})`;
  const select = schema.columns.map((column) =>
    label !== null && column.name === schema.label
      ? `${castSql('__label', label.type, label.duckType)} AS ${quoteName(column.name)}`
      : quoteName(column.name),
  );
  return `SELECT part, ${select.join(', ')} FROM (${source}) ORDER BY ${orderOf(plan, schema, label)}`;
};

export type PutFile = (file: string) => Promise<{ sha256: Sha256; bytes: number; isNew: boolean }>;
export type WrittenPart = DatasetPart & { readonly isNew: boolean };
export type EventTime = { readonly first: Instant; readonly last: Instant };

type Partition = { readonly name: string; readonly rows: number };
const partitionName = (part: string): string => (/^\d+$/.test(part) ? `h${part.padStart(2, '0')}` : part);
export const instantSql = (sql: string): string => `strftime(${sql}, '%Y-%m-%dT%H:%M:%S.%gZ')`;

export type Writing = {
  readonly plan: RowPlan;
  readonly schema: DatasetSchema;
  readonly label: LabelPlan | null;
  readonly hasDuplicates: boolean;
  readonly folder: string;
  readonly put: PutFile;
  readonly onPart: (partition: string) => void;
};

/** Writes one partition; the store takes the file while the next ones are written. */
const writeOne = async (db: Duck, writing: Writing, part: Partition): Promise<() => Promise<WrittenPart>> => {
  const { plan, schema, folder, put } = writing;
  const file = join(folder, `part-${plan.source}-${part.name}.parquet`);
  const literal = /^\d+$/.test(part.name) ? part.name : `DATE ${quoteText(part.name)}`;
  const columns = schema.columns.map((column) => quoteName(column.name)).join(', ');
  // Borders between row groups follow those of what is read, and so what stands before this partition; a sort of its own
  // begins anew. Where one row group holds all, there are no borders. (test/infra/tabular/determinism.test.ts)
  const order = part.rows > rowGroup ? ` ORDER BY ${orderOf(plan, schema, writing.label)}` : '';
  await db.run(
    `COPY (SELECT ${columns} FROM sorted_rows WHERE part = ${literal}${order}) TO ${quoteText(file)} (${partOptions})`,
  );
  const { rows } = part;
  return async () => {
    const { sha256, bytes, isNew } = await put(file);
    await rm(file, { force: true });
    return { source: plan.source, kind: 'parquet', partition: partitionName(part.name), sha256, bytes, rows, isNew };
  };
};

/** A durable write waits for the disk most of its time; more at once would only fill the scratch folder. */
const storedAtOnce = 16;

/** Runs what it is given, a bounded number at a time; `add` waits for a place, `all` for the rest. */
const createQueue = <Result>(places: number) => {
  const results: Promise<Result>[] = [];
  const running = new Set<Promise<unknown>>();
  return {
    add: async (work: () => Promise<Result>): Promise<void> => {
      while (running.size >= places) await Promise.race(running);
      const started = work();
      results.push(started);
      const settled: Promise<unknown> = started.then(
        () => running.delete(settled),
        () => running.delete(settled),
      );
      running.add(settled);
    },
    all: () => Promise.all(results),
  };
};

/** The user's SQL is the only thing in the statement that can fail on a value: all our casts are tried. */
const sortRange = async (db: Duck, writing: Writing, range: PartRange): Promise<Partition[]> => {
  try {
    await db.run(`CREATE OR REPLACE TABLE sorted_rows AS ${finalRows(writing, range)}`);
  } catch (cause) {
    const message = duckMessage(cause);
    if (!writing.label || !/^(Conversion|Out of Range|Invalid Input|Binder|Catalog) Error/.test(message)) throw cause;
    throw new PerennialError(
      'PRN_DATA_SQL',
      `Cannot evaluate data.label.sql as ${message}: the expression is ${writing.label.sql}`,
      { cause },
    );
  }
  return db.rows<Partition>('SELECT part::VARCHAR AS name, count(*) AS "rows" FROM sorted_rows GROUP BY part ORDER BY part');
};

const eventTimeOf = async (db: Duck, schema: DatasetSchema): Promise<EventTime | null> => {
  if (schema.eventTime === null) return null;
  const event = quoteName(schema.eventTime);
  return db.row<EventTime>(
    `SELECT ${instantSql(`min(${event})`)} AS first, ${instantSql(`max(${event})`)} AS last FROM sorted_rows`,
  );
};

/**
 * Writes the rows of one source as Parquet parts and puts them into the store. The bytes of a part depend on its own
 * rows only: not on threads, memory or format of the source, nor on what else there is.
 */
export const writeParts = async (
  lanes: readonly Duck[],
  writing: Writing,
  groups: readonly PartRange[],
): Promise<{ parts: WrittenPart[]; eventTime: EventTime | null }> => {
  const db = lanes[0] as Duck;
  const queue = createQueue<WrittenPart>(storedAtOnce);
  const times: EventTime[] = [];
  for (const range of groups) {
    const parts = await sortRange(db, writing, range);
    const time = await eventTimeOf(db, writing.schema);
    if (time) times.push(time);
    const lane = async (own: Duck): Promise<void> => {
      for (let part = parts.shift(); part !== undefined; part = parts.shift()) {
        await queue.add(await writeOne(own, writing, part));
        writing.onPart(part.name);
      }
    };
    await Promise.all(lanes.map(lane));
  }
  await db.run('DROP TABLE IF EXISTS sorted_rows');
  const written = [...(await queue.all())];
  const [first, last] = [times[0], times.at(-1)];
  const eventTime = first && last ? { first: first.first, last: last.last } : null;
  return { parts: written.sort((a, b) => (a.partition < b.partition ? -1 : 1)), eventTime };
};
