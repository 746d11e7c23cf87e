/** A cheap look at the sources of a pipeline before anything runs: are they there, and what is in them. */
import { join, resolve } from 'node:path';
import type { DatasetColumn, DatasetSchema } from '#domain/contracts/dataset.ts';
import type { DataSpec, SourceSpec } from '#domain/contracts/pipeline-spec/data.ts';
import { PerennialError } from '#domain/errors.ts';
import { listDirectory } from '../sources/directory.ts';
import { parseS3Address } from '../sources/s3-address.ts';
import { columnsToRead, undeclaredColumns } from './dataset-schema.ts';
import { type Duck, type DuckOptions, withDuckDb } from './duckdb.ts';
import { headOf } from './head.ts';
import { describeSource, inferTypes } from './infer.ts';
import { createRejectsTable } from './rejects.ts';
import { type ReadableObject, stageObject } from './stage.ts';

export type Glance = {
  /** How many objects the main source has, and how many were looked into: their names, as of one folder. */
  readonly objects: number;
  readonly looked: readonly string[];
  /** As the first rows have it; the run that reads all of them decides. */
  readonly columns: readonly DatasetColumn[];
};

export type GlanceOptions = Omit<DuckOptions, 'allowedFolders'> & {
  /** What the newest snapshot has, where the file declares no columns; null for a pipeline without one. */
  readonly frozen: DatasetSchema | null;
};

/** A column may begin in a later file. More, and a look at a folder of thousands is slow. */
const maxObjects = 16;

type Local = { readonly root: string; readonly keys: readonly string[] };
type Tabular = 'parquet' | 'csv' | 'ndjson';

/** What is in a bucket is not looked at: it may be far, large, and open to the workers only. */
const listLocal = async (source: SourceSpec, pipelineFolder: string): Promise<Local | null> =>
  parseS3Address(source.path) === null ? listDirectory(resolve(pipelineFolder, source.path), source.type) : null;

const stageHeads = async (db: Duck, type: Tabular, { root, keys }: Local, folder: string): Promise<ReadableObject[]> => {
  await db.run(createRejectsTable);
  const staged: ReadableObject[] = [];
  for (const [index, key] of keys.entries()) {
    const place = { db, folder, index: String(index), source: 'main', key };
    // A file that is no Parquet is told as such before anything is copied from it.
    if (type === 'parquet') await stageObject(place, type, join(root, key));
    const object = await stageObject(place, type, await headOf(db, join(root, key), type, folder, place.index));
    if (object !== null) staged.push(object);
  }
  return staged;
};

const columnsOf = async (db: Duck, data: DataSpec, staged: readonly ReadableObject[], frozen: DatasetSchema | null) => {
  const source = await describeSource(db, staged);
  const unknown = new Set(undeclaredColumns(data, source, frozen));
  const toInfer = source.filter(({ name }) => unknown.has(name));
  return columnsToRead(data, source, await inferTypes(db, staged, toInfer, data.rejected.at_most), frozen);
};

/** A column that the first objects lack may stand in a later one. */
const orUnknown = (isWhole: boolean) => (error: unknown) => {
  if (!isWhole && error instanceof PerennialError && error.code === 'PRN_DATA_COLUMN_MISSING') return [];
  throw error;
};

/**
 * The columns that a run would read, by the first rows of the first objects; null where they cannot be looked at cheaply.
 * Throws PRN_SOURCE_MISSING for any source that is not there, PRN_SOURCE_UNREADABLE, and PRN_DATA_COLUMN_MISSING where
 * every object was looked into.
 */
export const glanceAt = async (data: DataSpec, pipelineFolder: string, options: GlanceOptions): Promise<Glance | null> => {
  const main = await listLocal(data.source, pipelineFolder);
  for (const source of Object.values(data.sources)) await listLocal(source, pipelineFolder);
  const { type } = data.source;
  if (main === null || type === 'files') return null;
  const looked = main.keys.slice(0, maxObjects);
  const isWhole = looked.length === main.keys.length;
  const frozen = data.columns === undefined ? options.frozen : null;
  const columns = await withDuckDb({ ...options, allowedFolders: [main.root] }, async (db) => {
    const staged = await stageHeads(db, type, { ...main, keys: looked }, options.folder);
    return staged.length === 0 ? [] : columnsOf(db, data, staged, frozen).catch(orUnknown(isWhole));
  });
  return { objects: main.keys.length, looked, columns };
};
