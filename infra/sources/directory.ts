import type { Stats } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { PerennialError } from '#domain/errors.ts';

/** Which files of a folder belong to a source of a type; `files` takes all. Hidden files never belong. */
export const endings: Readonly<Record<string, RegExp>> = {
  parquet: /\.(parquet|pq)$/i,
  csv: /\.csv(\.gz)?$/i,
  ndjson: /\.(ndjson|jsonl|json)(\.gz)?$/i,
  files: /./,
};

const walk = async (folder: string, prefix: string, ending: RegExp, found: string[]): Promise<void> => {
  for (const entry of await readdir(join(folder, prefix), { withFileTypes: true })) {
    const key = prefix === '' ? entry.name : `${prefix}/${entry.name}`;
    if (entry.name.startsWith('.')) continue;
    if (entry.isDirectory()) await walk(folder, key, ending, found);
    else if (ending.test(entry.name)) found.push(key);
  }
};

/** Keys of a local source under its root folder, in code-unit order. A path to one file is a root with one key. */
export const listDirectory = async (path: string, type: string): Promise<{ root: string; keys: string[] }> => {
  const info: Stats = await stat(path).catch((cause) => {
    throw new PerennialError('PRN_SOURCE_MISSING', `Cannot list source "${path}" as there is no such file or folder`, { cause });
  });
  if (info.isFile()) return { root: dirname(path), keys: [basename(path)] };
  const keys: string[] = [];
  await walk(path, '', endings[type] as RegExp, keys);
  if (keys.length === 0)
    throw new PerennialError('PRN_SOURCE_MISSING', `Cannot list source "${path}" as the folder holds no file of type "${type}"`);
  return { root: path, keys: keys.sort((a, b) => (a < b ? -1 : 1)) };
};
