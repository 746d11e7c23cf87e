/** A bench that is ended early leaves nothing: its processes are found by descent and ended by identity, its folder goes. */
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { endProcess } from '../../../infra/state/processes.ts';
import { childrenOf, descendantsOf } from './processes.ts';

/** PostgreSQL writes a checkpoint before it ends; killed instead, it would leave its shared memory to the machine. */
const graceMs = 30_000;

/** What the work says of servers that were taken from under it is no news. */
const ignore = (): void => {};

/**
 * The last started first, as workers wait for a server that is gone before they end; then what these did not end themselves.
 * Again until none is left: work that was not told of the end may start another meanwhile.
 */
const endDescendants = async (): Promise<void> => {
  process.on('uncaughtException', ignore);
  for (let left = descendantsOf(process.pid); left.length > 0; left = descendantsOf(process.pid)) {
    for (const one of childrenOf(process.pid).toReversed()) await endProcess(one, 'SIGINT', graceMs);
    await Promise.all(left.map((one) => endProcess(one, 'SIGINT', graceMs)));
  }
  process.off('uncaughtException', ignore);
};

const untilSignal = (): Promise<NodeJS.Signals> =>
  new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, resolve);
  });

const endBy = async (signal: NodeJS.Signals, folder: string): Promise<never> => {
  await endDescendants();
  // From here to the exit nothing is awaited, so that nothing new is started or written.
  rmSync(folder, { recursive: true, force: true });
  process.exit(128 + constants.signals[signal]);
};

/**
 * Runs the work with a folder for temporary files of its own. However it ends (also by SIGINT or SIGTERM, with the exit code
 * that a shell would tell), the processes that it started and the folder are gone. Only SIGKILL leaves them.
 */
export const leaveNothing = async (work: () => Promise<void>): Promise<void> => {
  const folder = mkdtempSync(join(tmpdir(), 'perennial-bench-'));
  // PostgreSQL may run as another user, who must get through.
  chmodSync(folder, 0o755);
  process.env['TMPDIR'] = folder;
  const signalled = untilSignal();
  try {
    const signal = await Promise.race([work().then(() => null), signalled]);
    if (signal !== null) await endBy(signal, folder);
  } catch (error) {
    await endDescendants();
    throw error;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};
