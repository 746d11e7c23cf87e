/** What each view says about each entity right after the newest event of a snapshot: what the next request should see. */

import type { DatasetSchema } from '#domain/contracts/dataset.ts';
import type { RawValue } from '#domain/features/category.ts';
import { entityKey, unseenEntity } from '#domain/features/entity-key.ts';
import type { Instant } from '#domain/units.ts';
import type { Duck } from '../tabular/duckdb.ts';
import { quoteName } from '../tabular/sql.ts';
import { instantOf, sqlInstant } from './split.ts';
import { newestSql } from './sql-view.ts';
import type { AggregateView, CompiledView, SqlView, ViewValue } from './view-types.ts';
import { hasEntity } from './views.ts';

/** A row for the online feature table. */
export type PublishedRow = {
  readonly view: string;
  readonly entity: string;
  readonly values: Readonly<Record<string, number | string | null>>;
  readonly knownAt: Instant;
};

export type PublishScope = {
  readonly schema: DatasetSchema;
  readonly eventTime: string;
  /** Newest event time of the snapshot. */
  readonly watermarkMs: number;
  readonly sources: readonly string[];
};

/** The instant that a request right after the newest event has: one microsecond later, so that the event itself is past. */
const askedAt = (watermarkMs: number): string => `(${sqlInstant(watermarkMs)} + INTERVAL '1 microseconds')`;

const typed = (value: ViewValue, sql: string): string =>
  value.type === 'number' ? `CAST(${sql} AS DOUBLE)` : `CAST(${sql} AS VARCHAR)`;

type Frame = { readonly windowMs: number; readonly delayMs: number | null; readonly parts: AggregateView['parts'] };

const framesOf = (view: AggregateView): Frame[] => {
  const frames = new Map<string, AggregateView['parts'][number][]>();
  for (const part of view.parts) {
    const name = `${part.windowMs}/${part.delayMs}`;
    frames.set(name, [...(frames.get(name) ?? []), part]);
  }
  return [...frames.values()].map((parts) => ({
    windowMs: parts[0]?.windowMs as number,
    delayMs: parts[0]?.delayMs ?? null,
    parts,
  }));
};

/** The same bounds as the training frame of a row at the asking instant. */
const inFrame = (frame: Frame, time: string, at: string): string => {
  const end = frame.delayMs === null ? '1 microseconds' : `${frame.delayMs} milliseconds`;
  return `${time} >= ${at} - INTERVAL '${frame.windowMs} milliseconds' AND ${time} <= ${at} - INTERVAL '${end}'`;
};

const valuesOf = (view: AggregateView, parts: AggregateView['parts']): string =>
  parts
    .map((part) => {
      const value = view.values.find((each) => each.name === part.value.name) as ViewValue;
      return `${typed(
        value,
        part.value.write((aggregate) => aggregate),
      )} AS ${quoteName(value.name)}`;
    })
    .join(', ');

/**
 * One row for each entity with an event in a window, then one row of NULL entity: what an entity without a past has.
 * Values of several frames are put together; a frame in which an entity has no event gives what no event gives.
 */
const aggregateSql = (view: AggregateView, scope: PublishScope): string => {
  const time = quoteName(scope.eventTime);
  const at = askedAt(scope.watermarkMs);
  const keys = view.entity.map(quoteName).join(', ');
  const frames = framesOf(view);
  const ctes = frames.map(
    (frame, index) =>
      `f${index} AS (SELECT ${keys}, true AS here, ${valuesOf(view, frame.parts)} FROM snapshot AS events WHERE ${inFrame(frame, time, at)} AND ${hasEntity(view.entity)} GROUP BY ${keys})`,
  );
  const entities = frames.map((_, index) => `SELECT ${keys} FROM f${index}`).join(' UNION ');
  const nobody = `nobody AS (SELECT ${valuesOf(view, view.parts)} FROM snapshot AS events WHERE false)`;
  const columns = view.values.map((value) => {
    const frame = frames.findIndex((each) => each.parts.some((part) => part.value.name === value.name));
    const name = quoteName(value.name);
    return `CASE WHEN f${frame}.here THEN f${frame}.${name} ELSE nobody.${name} END AS ${name}`;
  });
  const joins = frames.map((_, index) => `LEFT JOIN f${index} USING (${keys})`).join(' ');
  const nulls = view.entity.map(() => 'NULL').join(', ');
  const plain = view.values.map((value) => quoteName(value.name)).join(', ');
  return (
    `WITH ${[...ctes, nobody, `entities AS (${entities})`].join(', ')} ` +
    `SELECT ${keys}, ${columns.join(', ')}, NULL AS __known_at FROM entities ${joins} CROSS JOIN nobody ` +
    `UNION ALL SELECT ${nulls}, ${plain}, NULL FROM nobody`
  );
};

const entitySql = (column: string, schema: DatasetSchema): string => {
  const type = schema.columns.find((each) => each.name === column)?.type;
  if (type === 'timestamp') return `CAST(epoch_ms(${quoteName(column)}) AS DOUBLE)`;
  return type === 'integer' || type === 'number' ? `CAST(${quoteName(column)} AS DOUBLE)` : quoteName(column);
};

/** JSON has no infinities; a value that is not finite is missing, as it is to the vectorizer. */
const publishedValue = (value: unknown): number | string | null => {
  if (typeof value === 'string') return value;
  return typeof value === 'number' && Number.isFinite(value) ? value : null;
};

async function* rowsOf(db: Duck, view: CompiledView, scope: PublishScope): AsyncGenerator<PublishedRow> {
  const sql =
    view.kind === 'aggregate' ? aggregateSql(view, scope) : newestSql(view as SqlView, askedAt(scope.watermarkMs), scope.sources);
  const entities = view.entity.map((column) => entitySql(column, scope.schema));
  const values = view.values.map((value) => quoteName(value.name));
  const result = await db.connection.stream(
    `SELECT ${[...entities, ...values].join(', ')}, CAST(epoch_ms(__known_at::TIMESTAMP) AS DOUBLE) FROM (${sql})`,
  );
  for (let chunk = await result.fetchChunk(); chunk !== null && chunk.rowCount > 0; chunk = await result.fetchChunk()) {
    for (const row of chunk.getRows()) {
      const key = entityKey(row.slice(0, entities.length) as RawValue[]);
      const knownAt = row.at(-1) as number | null;
      yield {
        view: view.name,
        entity: key ?? unseenEntity,
        values: Object.fromEntries(view.values.map((value, index) => [value.name, publishedValue(row[entities.length + index])])),
        knownAt: instantOf(knownAt ?? scope.watermarkMs),
      };
    }
  }
}

/** Streams the newest values of all views, one view after the other. */
export async function* newestValues(db: Duck, views: readonly CompiledView[], scope: PublishScope): AsyncGenerator<PublishedRow> {
  for (const view of views) yield* rowsOf(db, view, scope);
}
