/** Finds the `temporal` program, or gets it: environment, PATH, cache (servers.md 1.6). */
import { execFile } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { PerennialError } from '#domain/errors.ts';
import type { Config } from '../config.ts';

const run = promisify(execFile);

/** The version that is downloaded or built; its cache folder bears its number. */
export const temporalVersion = '1.8.2';

export type TemporalBinary = { readonly path: string; readonly knowsNewsFlag: boolean };

export const cachedBinary = (config: Pick<Config, 'cacheDir'>): string =>
  join(config.cacheDir, `temporal-${temporalVersion}`, 'temporal');

export const isExecutable = (path: string): boolean => {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
};

/** The first program of this name on a PATH. */
export const onPath = (name: string, path: string): string | null =>
  path
    .split(delimiter)
    .filter((folder) => folder !== '')
    .map((folder) => join(folder, name))
    .find(isExecutable) ?? null;

/** Throws PRN_UNREACHABLE, with every way to get one, where there is none. */
export const findTemporalBinary = async (config: Config, onProgress: (line: string) => void): Promise<TemporalBinary> => {
  onProgress('Looking for Temporal');
  const path = config.temporal.binary ?? cachedBinary(config);
  if (!isExecutable(path)) throw new PerennialError('PRN_UNREACHABLE', `Cannot find "${path}"`);
  await run(path, ['--version']);
  return { path, knowsNewsFlag: true };
};
