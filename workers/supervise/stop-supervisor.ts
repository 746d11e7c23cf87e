import { setTimeout as delay } from 'node:timers/promises';
import { PerennialError } from '#domain/errors.ts';
import { isRunning, type ProcessIdentity, signalProcess } from '../../infra/state/processes.ts';
import type { UpRecord } from '../../infra/state/up-record.ts';

/** Longer than the longest chain of graces: workers, servers, Temporal, PostgreSQL at 30 s each. */
const limitMs = 150_000;
const pollMs = 50;

/** Asks a running `up` to stop and waits until it has, telling what it waits for. Throws PRN_CONFLICT where it does not. */
export const stopSupervisor = async (
  supervisor: ProcessIdentity,
  readRecord: () => UpRecord | null,
  onProgress: (line: string) => void,
): Promise<void> => {
  signalProcess(supervisor, 'SIGTERM');
  const deadline = performance.now() + limitMs;
  let shown = '';
  while (isRunning(supervisor)) {
    if (performance.now() > deadline)
      throw new PerennialError(
        'PRN_CONFLICT',
        `Cannot stop process ${supervisor.pid} as it still runs after ${limitMs / 1000} s: end it with \`kill -9 ${supervisor.pid}\`, then run \`perennial down\` again`,
      );
    const waiting =
      readRecord()
        ?.processes.filter(({ state }) => state === 'stopping')
        .map(({ name }) => name)
        .join(', ') ?? '';
    if (waiting !== '' && waiting !== shown) onProgress(`  ${waiting}: stopping`);
    shown = waiting;
    await delay(pollMs);
  }
};
