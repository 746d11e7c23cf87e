/** Ends what a `perennial up` that was killed left running, by recorded process and start time, and nobody else. */
import { endProcess, isRunning } from '../../infra/state/processes.ts';
import { forgetUpRecord, type ProcessName, type ProcessStatus, readUpRecord } from '../../infra/state/up-record.ts';

const programGraceMs = 30_000;

/** Workers and servers first, what they talk to last. */
const rounds: readonly (readonly ProcessName[])[] = [['flow', 'cpu', 'gpu'], ['serve', 'control'], ['temporal'], ['postgres']];
/** PostgreSQL's "fast" shutdown: sessions are rolled back, a checkpoint is written. */
const signalOf = (name: ProcessName): NodeJS.Signals => (name === 'postgres' ? 'SIGINT' : 'SIGTERM');

const endOne = async (status: ProcessStatus | undefined, onProgress: (line: string) => void): Promise<boolean> => {
  if (status?.identity == null || !isRunning(status.identity)) return false;
  onProgress(`Ending "${status.name}" (process ${status.identity.pid}) that an earlier \`perennial up\` left`);
  return (await endProcess(status.identity, signalOf(status.name), programGraceMs)) !== 'gone';
};

/** Returns how many processes it ended. Call it while holding the lock, or when nobody holds it. */
export const endLeftovers = async (stateDir: string, onProgress: (line: string) => void): Promise<number> => {
  const record = readUpRecord(stateDir);
  if (record === null) return 0;
  let count = 0;
  for (const round of rounds) {
    const found = round.map((name) => record.processes.find((status) => status.name === name));
    const ended = await Promise.all(found.map((status) => endOne(status, onProgress)));
    count += ended.filter(Boolean).length;
  }
  forgetUpRecord(stateDir);
  return count;
};
