import { copyFile, mkdir, readdir } from 'node:fs/promises';
import { dirname, join, resolve, sep } from 'node:path';
import type { DatasetManifest, DatasetPart } from '#domain/contracts/dataset.ts';
import { PerennialError } from '#domain/errors.ts';
import type { ContentStore } from '../objects/store.ts';
import { type Duck, withDuckDb } from '../tabular/duckdb.ts';
import { parquetOf, quoteText } from '../tabular/sql.ts';

export type CheckoutOptions = {
  readonly folder: string;
  readonly format: 'parquet' | 'csv';
  readonly scratch: string;
  readonly limits: { readonly memoryMiB: number; readonly threads: number };
};
type Content = Pick<ContentStore, 'localFile'>;

/** Keys of files are the user's; none of them may lead out of the folder. */
const targetOf = (folder: string, part: DatasetPart, format: CheckoutOptions['format']): string => {
  const name = part.kind === 'file' ? part.partition : `${part.partition}.${format}`;
  const target = resolve(folder, part.source, name);
  if (!target.startsWith(resolve(folder) + sep))
    throw new PerennialError('PRN_INPUT_INVALID', `Cannot check out "${part.partition}" as it leads out of "${folder}"`);
  return target;
};

const assertFree = async (folder: string): Promise<void> => {
  const entries = await readdir(folder).catch(() => []);
  if (entries.length > 0)
    throw new PerennialError(
      'PRN_CONFLICT',
      `Cannot check out into "${folder}" as it holds ${entries.length} ${entries.length === 1 ? 'entry' : 'entries'}: name a folder that is empty or not there`,
    );
};

const writeCsv = (db: Duck, file: string, target: string): Promise<void> =>
  db.run(`COPY (SELECT * FROM ${parquetOf([file])}) TO ${quoteText(target)} (FORMAT csv, HEADER true)`);

/**
 * Writes the exact rows of a snapshot to a folder: each part under its source and partition, as the stored bytes or as
 * CSV; files as they came. Returns what was written. Throws PRN_CONFLICT where the folder is not empty.
 */
export const checkOut = async (
  content: Content,
  manifest: DatasetManifest,
  options: CheckoutOptions,
): Promise<{ files: number; rows: number }> => {
  await assertFree(options.folder);
  const locals = await Promise.all(manifest.parts.map(async (part) => ({ part, file: await content.localFile(part.sha256) })));
  const allowedFolders = [options.folder, ...new Set(locals.map((local) => dirname(local.file)))];
  await mkdir(join(options.folder), { recursive: true });
  await withDuckDb({ folder: options.scratch, ...options.limits, allowedFolders }, async (db) => {
    for (const { part, file } of locals) {
      const target = targetOf(options.folder, part, options.format);
      await mkdir(dirname(target), { recursive: true });
      if (part.kind === 'parquet' && options.format === 'csv') await writeCsv(db, file, target);
      else await copyFile(file, target);
    }
  });
  return { files: locals.length, rows: manifest.rows };
};
