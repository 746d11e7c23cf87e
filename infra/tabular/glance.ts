/** A cheap look at the sources of a pipeline before anything runs: are they there, and what is in them. */
import type { DatasetColumn, DatasetSchema } from '#domain/contracts/dataset.ts';
import type { DataSpec } from '#domain/contracts/pipeline-spec/data.ts';
import { PerennialError } from '#domain/errors.ts';
import { type Peek, peekSource } from '../sources/peek.ts';
import type { S3Settings } from '../sources/s3-address.ts';
import { columnsToRead, undeclaredColumns } from './dataset-schema.ts';
import { type Duck, type DuckOptions, withDuckDb } from './duckdb.ts';
import { headOf, startBytes } from './head.ts';
import { describeSource, inferTypes } from './infer.ts';
import { createRejectsTable } from './rejects.ts';
import { type ReadableObject, stageObject } from './stage.ts';

export type Glance = {
  /** How many objects the main source has, and how many were looked into: their names, as of one folder. */
  readonly objects: number;
  readonly looked: readonly string[];
  /** As the first rows have it; the run that reads all of them decides. */
  readonly columns: readonly DatasetColumn[];
  /** Whether these are the columns of the newest snapshot, which stay until the file declares some. */
  readonly isFrozen: boolean;
  /** Columns of the source that no run would read, in its order. */
  readonly unread: readonly string[];
};

export type GlanceOptions = Omit<DuckOptions, 'allowedFolders'> & {
  /** What the newest snapshot has, where the file declares no columns; null for a pipeline without one. */
  readonly frozen: DatasetSchema | null;
  /** Where sources that are in a bucket are asked for; as a run has it. */
  readonly s3: S3Settings;
};

type Tabular = 'parquet' | 'csv' | 'ndjson';
type Found = { readonly key: string; readonly file: string };

/** The first objects, but for those that would have to be brought here and are too large for that. */
const firstOf = async (peek: Peek): Promise<Found[]> => {
  const found: Found[] = [];
  for (const key of peek.keys.slice(0, peek.most)) {
    const file = await peek.file(key);
    if (file !== null) found.push({ key, file });
  }
  return found;
};

const stageHeads = async (db: Duck, type: Tabular, found: readonly Found[], folder: string): Promise<ReadableObject[]> => {
  await db.run(createRejectsTable);
  const staged: ReadableObject[] = [];
  for (const [index, { key, file }] of found.entries()) {
    const place = { db, folder, index: String(index), source: 'main', key };
    // A file that is no Parquet is told as such before anything is copied from it.
    if (type === 'parquet') await stageObject(place, type, file);
    const object = await stageObject(place, type, await headOf(db, file, type, folder, place.index));
    if (object !== null) staged.push(object);
  }
  return staged;
};

type Columns = Pick<Glance, 'columns' | 'unread'>;
const noColumns: Columns = { columns: [], unread: [] };

const columnsOf = async (
  db: Duck,
  data: DataSpec,
  staged: readonly ReadableObject[],
  frozen: DatasetSchema | null,
): Promise<Columns> => {
  const source = await describeSource(db, staged);
  const unknown = new Set(undeclaredColumns(data, source, frozen));
  const toInfer = source.filter(({ name }) => unknown.has(name));
  const columns = columnsToRead(data, source, await inferTypes(db, staged, toInfer, data.rejected.at_most), frozen);
  const read = new Set(columns.map(({ name }) => name.toLowerCase()));
  return { columns, unread: source.flatMap(({ name }) => (read.has(name.toLowerCase()) ? [] : [name])) };
};

/** A column that the first objects lack may stand in a later one. */
const orUnknown = (isWhole: boolean) => (error: unknown) => {
  if (!isWhole && error instanceof PerennialError && error.code === 'PRN_DATA_COLUMN_MISSING') return noColumns;
  throw error;
};

const lookInto = async (data: DataSpec, type: Tabular, peek: Peek, options: GlanceOptions): Promise<Glance | null> => {
  const found = await firstOf(peek);
  if (found.length === 0) return null;
  const isWhole = found.length === peek.keys.length;
  const frozen = data.columns === undefined ? options.frozen : null;
  const columns = await withDuckDb({ ...options, allowedFolders: [peek.folder] }, async (db) => {
    const staged = await stageHeads(db, type, found, options.folder);
    return staged.length === 0 ? noColumns : columnsOf(db, data, staged, frozen).catch(orUnknown(isWhole));
  });
  return { objects: peek.keys.length, looked: found.map(({ key }) => key), ...columns, isFrozen: frozen !== null };
};

/**
 * The columns that a run would read, by the first rows of the first objects; null where they cannot be looked at cheaply.
 * Throws PRN_SOURCE_MISSING for any source that is not there, PRN_UNREACHABLE for one whose store does not answer,
 * PRN_SOURCE_UNREADABLE, and PRN_DATA_COLUMN_MISSING where every object was looked into.
 */
export const glanceAt = async (data: DataSpec, pipelineFolder: string, options: GlanceOptions): Promise<Glance | null> => {
  const peekOptions = { folder: options.folder, s3: options.s3, startBytes };
  const main = await peekSource(data.source, pipelineFolder, peekOptions);
  try {
    for (const source of Object.values(data.sources)) (await peekSource(source, pipelineFolder, peekOptions)).close();
    const { type } = data.source;
    return type === 'files' ? null : await lookInto(data, type, main, options);
  } finally {
    main.close();
  }
};
