/** Shipped logs of predictions: where each part of them is. */
import { type Kysely, type Selectable, sql } from 'kysely';
import type { Instant, PipelineName, Sha256 } from '#domain/units.ts';
import { toCount, toInstant, toInstantOrNull } from './map.ts';
import type { PredictionPartsTable, Tables } from './tables.ts';

/** One Parquet object: what one segment of a server's log holds of one pipeline and hour. */
export type PredictionPart = {
  readonly pipeline: PipelineName;
  /** Of the answer, by the server's clock. */
  readonly hour: Instant;
  readonly serverId: string;
  readonly epoch: string;
  readonly segment: number;
  readonly sha256: Sha256;
  readonly rows: number;
  readonly bytes: number;
  readonly firstEventAt: Instant | null;
  readonly lastEventAt: Instant | null;
};

const toPart = (row: Selectable<PredictionPartsTable>): PredictionPart => ({
  pipeline: row.pipeline as PipelineName,
  hour: toInstant(row.hour),
  serverId: row.server_id,
  epoch: row.epoch,
  segment: row.segment,
  sha256: row.sha256 as Sha256,
  rows: toCount(row.rows),
  bytes: toCount(row.bytes),
  firstEventAt: toInstantOrNull(row.first_event_at),
  lastEventAt: toInstantOrNull(row.last_event_at),
});

const record = async (db: Kysely<Tables>, parts: readonly PredictionPart[]): Promise<void> => {
  if (parts.length === 0) return;
  const values = parts.map((part) => ({
    pipeline: part.pipeline,
    hour: part.hour,
    server_id: part.serverId,
    epoch: part.epoch,
    segment: part.segment,
    sha256: part.sha256,
    rows: part.rows,
    bytes: part.bytes,
    first_event_at: part.firstEventAt,
    last_event_at: part.lastEventAt,
  }));
  await db
    .insertInto('prediction_parts')
    .values(values)
    .onConflict((conflict) => conflict.columns(['pipeline', 'hour', 'server_id', 'epoch', 'segment']).doNothing())
    .execute();
};

/** In the order of hours: whole hours, so that "no part has this id" can be said of each of them. */
const select = async (db: Kysely<Tables>, pipeline: PipelineName, from: Instant): Promise<PredictionPart[]> => {
  const { rows } = await sql<Selectable<PredictionPartsTable>>`
    select * from perennial.prediction_parts where pipeline = ${pipeline} and hour in
      (select hour from perennial.prediction_parts where pipeline = ${pipeline} and last_event_at >= ${from}::timestamptz)
    order by hour, server_id, epoch, segment`.execute(db);
  return rows.map(toPart);
};

const inHours = async (db: Kysely<Tables>, from: Instant, to: Instant): Promise<PredictionPart[]> => {
  const parts = db
    .selectFrom('prediction_parts')
    .selectAll()
    .where('hour', '>=', new Date(from))
    .where('hour', '<=', new Date(to));
  return (await parts.orderBy('pipeline').orderBy('hour').orderBy('server_id').orderBy('epoch').orderBy('segment').execute()).map(
    toPart,
  );
};

const answeredSince = async (db: Kysely<Tables>, pipeline: PipelineName, since: Instant): Promise<PredictionPart[]> => {
  const parts = db.selectFrom('prediction_parts').selectAll().where('pipeline', '=', pipeline);
  const hours = parts.where(sql<boolean>`hour >= date_trunc('hour', ${since}::timestamptz)`);
  return (await hours.orderBy('hour').orderBy('server_id').orderBy('epoch').orderBy('segment').execute()).map(toPart);
};

/** Of one pipeline or of all; a pipeline without a key is left out. A definition says one column as a text, several as a list. */
const keyColumns = async (db: Kysely<Tables>, pipeline?: PipelineName): Promise<Record<string, readonly string[]>> => {
  let query = db
    .selectFrom('pipelines')
    .innerJoin('definitions', 'definitions.sha256', 'pipelines.definition_sha256')
    .select(['pipelines.name', sql<string | string[]>`definitions.file->'data'->'key'`.as('key')])
    .where(sql<boolean>`jsonb_typeof(definitions.file->'data'->'key') in ('string', 'array')`);
  if (pipeline !== undefined) query = query.where('pipelines.name', '=', pipeline);
  const rows = await query.execute();
  return Object.fromEntries(rows.map(({ name, key }) => [name, typeof key === 'string' ? [key] : key]));
};

/** Every part that was shipped; a segment's part is recorded once, however often its server was killed meanwhile. */
export const createPredictionParts = (db: Kysely<Tables>) => ({
  /** What is there already stays as it is. */
  record: (parts: readonly PredictionPart[]) => record(db, parts),
  /** All parts of every hour in which something was answered whose event lies at or after the instant. */
  select: (pipeline: PipelineName, from: Instant) => select(db, pipeline, from),
  /** All parts of the hour of an instant and of those after it, by the clocks of the servers. */
  answeredSince: (pipeline: PipelineName, since: Instant) => answeredSince(db, pipeline, since),
  /** The columns that name a row, by the definition of now, of one pipeline or of all that have some. */
  keyColumns: (pipeline?: PipelineName) => keyColumns(db, pipeline),
  /** Of all pipelines, by the hour of the answer, both ends included. */
  inHours: (from: Instant, to: Instant) => inHours(db, from, to),
});
export type PredictionParts = ReturnType<typeof createPredictionParts>;
