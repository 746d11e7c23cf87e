/** A frozen snapshot as relations of DuckDB: `snapshot` (all rows, with `_row`) and `source:NAME` for further sources. */
import type { DatasetManifest, DatasetPart } from '#domain/contracts/dataset.ts';
import { PerennialError } from '#domain/errors.ts';
import type { ContentStore } from '../objects/store.ts';
import type { Duck } from '../tabular/duckdb.ts';
import { parquetOf, quoteName } from '../tabular/sql.ts';

export type SnapshotFiles = {
  /** Local files of the main source's parts, in the manifest's order. */
  readonly main: readonly string[];
  /** The same for each further source. */
  readonly further: ReadonlyMap<string, readonly string[]>;
};

/** The relation of a further source, before it gets its plain name. */
export const sourceRelation = (name: string): string => quoteName(`source:${name}`);

/** Room for 2^36 rows in a part; a BIGINT then holds 2^27 parts. */
const rowsPerPart = 68_719_476_736;

const filesOf = async (parts: readonly DatasetPart[], content: ContentStore): Promise<string[]> => {
  const files: string[] = [];
  for (const part of parts) files.push(await content.localFile(part.sha256));
  return files;
};

/** Fetches and verifies the Parquet parts of a snapshot. */
export const fetchSnapshot = async (manifest: DatasetManifest, content: ContentStore): Promise<SnapshotFiles> => {
  const parquet = manifest.parts.filter((part) => part.kind === 'parquet' && part.rows > 0);
  const names = [...new Set(parquet.map((part) => part.source))];
  const bySource = new Map<string, string[]>();
  for (const name of names) {
    bySource.set(
      name,
      await filesOf(
        parquet.filter((part) => part.source === name),
        content,
      ),
    );
  }
  const main = bySource.get('main');
  if (main === undefined) {
    throw new PerennialError(
      'PRN_FEATURE_INVALID',
      `Cannot build features of "${manifest.pipeline}" as its main source must hold rows: it holds files or nothing`,
    );
  }
  bySource.delete('main');
  return { main, further: bySource };
};

/** All local files, for DuckDB's list of what it may read. */
export const allFiles = (files: SnapshotFiles): string[] => [...files.main, ...[...files.further.values()].flat()];

/**
 * Names the relations. `_row` is the place of a row in the snapshot: part by part in the manifest's order, so it is
 * the same wherever and however often the snapshot is read.
 */
export const attachSnapshot = async (db: Duck, files: SnapshotFiles): Promise<void> => {
  const row = `file_index::BIGINT * ${rowsPerPart} + file_row_number AS _row`;
  await db.run(`CREATE VIEW snapshot AS SELECT *, ${row} FROM ${parquetOf(files.main)}`);
  for (const [name, paths] of files.further) {
    await db.run(`CREATE VIEW ${sourceRelation(name)} AS SELECT * FROM ${parquetOf(paths)}`);
  }
};
