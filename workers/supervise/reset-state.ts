import { PerennialError } from '#domain/errors.ts';
import { assertRemovable, innerStateFolders, purgeStateFolder } from '../../infra/state/state-folder.ts';
import { supervisorOf } from '../../infra/state/up-record.ts';
import { endLeftovers } from './take-over.ts';

const assertIdle = (folder: string, stateDir: string): void => {
  const supervisor = supervisorOf(folder);
  if (supervisor === null) return;
  const [where, how] =
    folder === stateDir
      ? ['does', 'Stop it with `perennial down`']
      : [`runs from "${folder}"`, `Stop it with Ctrl-C where it runs, or with \`PERENNIAL_STATE_DIR=${folder} perennial down\``];
  throw new PerennialError(
    'PRN_CONFLICT',
    `Cannot empty "${stateDir}" as nothing must run from it: process ${supervisor.pid} ${where}. ${how}`,
  );
};

/** Throws PRN_CONFLICT where an `up` runs from a state folder inside this one, such as the demo's. */
export const assertNoneInside = (stateDir: string): void => {
  for (const inner of innerStateFolders(stateDir)) assertIdle(inner, stateDir);
};

/**
 * Makes a state folder as if it had never been used, with the state folders inside it: what a killed `up` left running is
 * ended first, since its record is in the folder. Returns what was removed. Throws PRN_CONFLICT where an `up` runs from
 * one of them, or where Perennial did not make it.
 */
export const resetState = async (stateDir: string, onProgress: (line: string) => void): Promise<string[]> => {
  assertRemovable(stateDir);
  const folders = [...innerStateFolders(stateDir), stateDir];
  for (const folder of folders) assertIdle(folder, stateDir);
  const removed: string[] = [];
  for (const folder of folders) {
    await endLeftovers(folder, onProgress);
    removed.push(...purgeStateFolder(folder));
  }
  return removed;
};
