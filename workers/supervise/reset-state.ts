import { PerennialError } from '#domain/errors.ts';
import { purgeStateFolder } from '../../infra/state/state-folder.ts';
import { supervisorOf } from '../../infra/state/up-record.ts';
import { endLeftovers } from './take-over.ts';

/**
 * Makes a state folder as if it had never been used: what a killed `up` left running is ended first, since its record
 * is in the folder. Returns what was removed. Throws PRN_CONFLICT where an `up` runs from it, or where Perennial did
 * not make it.
 */
export const resetState = async (stateDir: string, onProgress: (line: string) => void): Promise<string[]> => {
  const supervisor = supervisorOf(stateDir);
  if (supervisor !== null) {
    throw new PerennialError(
      'PRN_CONFLICT',
      `Cannot empty "${stateDir}" as nothing must run from it: process ${supervisor.pid} does. Stop it with \`perennial down\``,
    );
  }
  await endLeftovers(stateDir, onProgress);
  return purgeStateFolder(stateDir);
};
