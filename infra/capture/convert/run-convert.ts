/** Runs the conversion of segments in a process of its own. */
import { spawn } from 'node:child_process';
import { constants, setPriority } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import type { ConvertedSegment, ConvertJob } from './protocol.ts';

const childFile = join(import.meta.dirname, 'convert-child.ts');
/** A segment of 64 MiB takes a second or two; a child that takes this long on so busy a machine hangs. */
const timeoutMs = 120_000;
const saidAtMost = 2_000;

/** Whoever serves goes first; a process that is gone already needs no place. */
const stepBack = (pid: number | undefined): void => {
  try {
    if (pid !== undefined) setPriority(pid, constants.priority.PRIORITY_LOW);
  } catch {
    // Not every system lets a process do so; it then runs as any other.
  }
};

/** Rejects where the child ends otherwise than well, with what it said last, and with the signal's reason. */
export const runConvert = async (job: ConvertJob, signal: AbortSignal): Promise<ConvertedSegment[]> => {
  const child = spawn(process.execPath, ['--no-warnings', childFile], {
    cwd: job.folder,
    env: {},
    stdio: ['pipe', 'pipe', 'pipe'],
    signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
    killSignal: 'SIGKILL',
  });
  stepBack(child.pid);
  const ended = new Promise<string>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, endSignal) => resolve(code === 0 ? '' : `exit ${code ?? endSignal}`));
  });
  // The child may be gone before it has read the job; how it ended says why.
  child.stdin.on('error', () => undefined);
  child.stdin.end(JSON.stringify(job));
  const [said, log, problem] = await Promise.all([buffer(child.stdout), buffer(child.stderr), ended]);
  if (problem === '') return JSON.parse(said.toString()) as ConvertedSegment[];
  throw new Error(`Cannot write segments as Parquet: ${problem}: ${log.toString().trim().slice(-saidAtMost)}`);
};
