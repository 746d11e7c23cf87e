import type { DatasetColumn } from '#domain/contracts/dataset.ts';
import type { Duck } from './duckdb.ts';
import { parquetOf, quoteName } from './sql.ts';
import { lineColumn, type ReadableObject } from './stage.ts';
import { castSql, naturalType } from './typed.ts';

export type SourceColumn = { readonly name: string; readonly duckType: string };

/** The relation over all objects of a source, as one Parquet scan. */
export const sourceRelation = (objects: readonly ReadableObject[], options = ''): string =>
  parquetOf(
    objects.map((object) => object.parquet),
    options,
  );

/** Columns of a source in the order of its first object, then those that only later objects have. */
export const describeSource = async (db: Duck, objects: readonly ReadableObject[]): Promise<SourceColumn[]> => {
  const rows = await db.rows<{ column_name: string; column_type: string }>(`DESCRIBE SELECT * FROM ${sourceRelation(objects)}`);
  return rows
    .filter((row) => row.column_name !== lineColumn)
    .map((row) => ({ name: row.column_name, duckType: row.column_type }));
};

/** Tried in this order: a column of zeros and ones is of integers, and only words make a boolean of text. */
const candidates = ['integer', 'number', 'timestamp'] as const;
const words = `('true', 'false')`;
type Counts = { present: number; truth: number; integer: number; number: number; timestamp: number; distinct: number };

const countsOf = async (db: Duck, relation: string, column: SourceColumn): Promise<Counts> => {
  const raw = quoteName(column.name);
  const casts = candidates.map((type) => `count(${castSql('raw', type, column.duckType)}) AS ${type}`).join(', ');
  return db.row<Counts>(`SELECT count(*) AS present, count(*) FILTER (lower(raw) IN ${words}) AS truth, ${casts},
    approx_count_distinct(raw) AS "distinct" FROM (SELECT ${raw} AS raw FROM ${relation}) WHERE trim(raw) <> '' AND lower(raw) <> 'nan'`);
};

/** More values than this are names, not categories. */
const maxCategories = 10_000;

/**
 * The type of a text column from all of its values: the narrowest that all but `tolerance` of them have, so that a wrong
 * value among millions is set aside and not taken for the type of the column.
 */
const inferText = async (db: Duck, relation: string, column: SourceColumn, tolerance: number): Promise<DatasetColumn['type']> => {
  const counts = await countsOf(db, relation, column);
  const enough = counts.present * (1 - tolerance);
  if (counts.present === 0) return 'string';
  if (counts.truth >= enough) return 'boolean';
  const found = candidates.find((type) => counts[type] >= enough);
  if (found) return found;
  return textType(counts);
};

const textType = ({ distinct, present }: Pick<Counts, 'distinct' | 'present'>): 'category' | 'string' =>
  distinct <= Math.min(maxCategories, present / 2) || distinct <= 20 ? 'category' : 'string';

/** A typed source says what is text; whether it is a category or a name is seen in its values. */
const inferTyped = async (db: Duck, relation: string, column: SourceColumn): Promise<DatasetColumn['type']> => {
  const type = naturalType(column.duckType);
  if (type !== 'category') return type;
  const raw = quoteName(column.name);
  return textType(
    await db.row<Counts>(`SELECT count(${raw}) AS present, approx_count_distinct(${raw}) AS "distinct" FROM ${relation}`),
  );
};

/** Types of columns that nobody declared. Text of CSV and NDJSON is looked at; Parquet says its types itself, but for names among text. */
export const inferTypes = async (
  db: Duck,
  objects: readonly ReadableObject[],
  columns: readonly SourceColumn[],
  tolerance: number,
): Promise<Map<string, DatasetColumn['type']>> => {
  const isText = objects.some((object) => object.text !== null);
  const relation = sourceRelation(objects);
  const types = new Map<string, DatasetColumn['type']>();
  for (const column of columns) {
    const isUntyped = isText && column.duckType === 'VARCHAR';
    const type = isUntyped ? inferText(db, relation, column, tolerance) : inferTyped(db, relation, column);
    types.set(column.name, await type);
  }
  return types;
};
