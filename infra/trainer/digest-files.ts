import { readdir, readFile, stat } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { PerennialError } from '#domain/errors.ts';
import type { Sha256 } from '#domain/units.ts';
import { digestOfJson, sha256Of } from '../objects/digest.ts';

/** What tools leave behind; it is not the program. */
const leftByTools = /(^|\/)(__pycache__|node_modules|\.git|\.venv|\.pytest_cache|\.DS_Store)(\/|$)/;
/** A trainer is a program: with more than this somebody keeps data beside it, and every run would read all of it. */
const limits = { files: 2_000, bytes: 100 * 1024 * 1024 } as const;

const listFiles = async (folder: string): Promise<string[]> => {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) =>
      join(entry.parentPath, entry.name)
        .slice(folder.length + 1)
        .replaceAll(sep, '/'),
    )
    .filter((path) => !leftByTools.test(path))
    .sort();
};

/** Digest over names and bytes of the given files, in the order of their names. */
export const digestFiles = async (root: string, paths: readonly string[]): Promise<Sha256> => {
  const digests = await Promise.all([...paths].sort().map(async (path) => [path, sha256Of(await readFile(join(root, path)))]));
  return digestOfJson(digests);
};

/** Digest over all files of a folder. Throws PRN_TRAINER_UNKNOWN where there is more in it than a program. */
export const digestFolder = async (folder: string): Promise<Sha256> => {
  const paths = await listFiles(folder);
  let bytes = 0;
  for (const path of paths.slice(0, limits.files)) bytes += (await stat(join(folder, path))).size;
  if (paths.length > limits.files || bytes > limits.bytes) {
    throw new PerennialError(
      'PRN_TRAINER_UNKNOWN',
      `Cannot use the trainer in "${folder}" as its folder must hold a program of at most ${limits.files} files and ` +
        `${limits.bytes / 1024 / 1024} MiB: it holds ${paths.length} files and ${Math.round(bytes / 1024 / 1024)} MiB. Keep data elsewhere`,
    );
  }
  return digestFiles(folder, paths);
};
