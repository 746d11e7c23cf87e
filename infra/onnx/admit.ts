/** Admission of a model: checked and run for the first time in a process of its own, so that its crash is not ours. */
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PerennialError } from '#domain/errors.ts';
import { checkSize } from './admission/check-file.ts';
import type { Admission, AdmissionJob, AdmissionReply } from './admission/protocol.ts';

export type { Admission } from './admission/protocol.ts';

/** A model that needs longer to load and answer a few rows would make every restart of a server this slow. */
const cpuSeconds = 10;
/** Wall time is a guard against a child that waits for ever; on a busy machine ten seconds of work may take longer. */
const defaultTimeoutMs = 30_000;

/** Data memory of the child beside the model: Node and the runtime take about 300 MiB before they do anything. */
const baseMemoryMiB = 1024;
/** Decoded, loaded and optimised, a model exists about this many times at once. */
const copiesInMemory = 6;

export type AdmissionOptions = {
  /** Rows that the model must answer with finite numbers, the same twice. Absent: zeros. */
  readonly vectors?: AdmissionJob['vectors'];
  readonly width?: number;
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
};

/**
 * Says what a model takes and gives, or throws PRN_MODEL_REFUSED with the reason: a form that is not admitted, a crash,
 * too much memory, no answer within ten seconds of work. The child inherits no environment, no descriptors and an empty folder.
 */
export const admitModel = async (bytes: Uint8Array, options: AdmissionOptions = {}): Promise<Admission> => {
  checkSize(bytes);
  const job: AdmissionJob = { vectors: options.vectors ?? [], width: options.width ?? null };
  const folder = await mkdtemp(join(tmpdir(), 'perennial-admit-'));
  try {
    const ending = await runChild(folder, job, bytes, options);
    return readReply(ending);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
};

type Ending = {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly timedOut: boolean;
  readonly stdout: string;
  readonly log: string;
};

const childFile = join(import.meta.dirname, 'admission', 'admit-child.ts');

/** A shell sets the limits: no core file, no file at all, CPU time, and data memory where the system knows it (`-d`). */
const commandFor = (modelBytes: number): [string, string[]] => {
  const memoryKiB = (baseMemoryMiB + Math.ceil((copiesInMemory * modelBytes) / 1_048_576)) * 1024;
  const limits = `ulimit -c 0; ulimit -f 0; ulimit -S -t ${cpuSeconds}; ulimit -H -t ${cpuSeconds + 2}; ulimit -d ${memoryKiB} 2>/dev/null; exec "$0" "$@"`;
  return ['/bin/sh', ['-c', limits, process.execPath, '--no-warnings', childFile]];
};

const runChild = (folder: string, job: AdmissionJob, bytes: Uint8Array, options: AdmissionOptions): Promise<Ending> => {
  const timeoutMs = options.timeoutMs ?? defaultTimeoutMs;
  const [command, args] = commandFor(bytes.length);
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: folder, env: {}, stdio: ['pipe', 'pipe', 'pipe'], signal: options.signal });
    let timedOut = false;
    const stdout: Buffer[] = [];
    const log: Buffer[] = [];
    const timer = setTimeout(() => {
      timedOut = true;
      child.kill('SIGKILL');
    }, timeoutMs);
    child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => log.push(chunk));
    // The child may be gone before it has read everything; how it ended says why.
    child.stdin.on('error', () => undefined);
    child.on('error', (error) => {
      clearTimeout(timer);
      reject(error);
    });
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      resolve({ code, signal, timedOut, stdout: Buffer.concat(stdout).toString(), log: Buffer.concat(log).toString() });
    });
    child.stdin.write(`${JSON.stringify(job)}\n`);
    child.stdin.end(bytes);
  });
};

const readReply = (ending: Ending): Admission => {
  if (ending.timedOut || ending.signal === 'SIGXCPU') {
    throw refused(
      `Cannot admit model as it must answer in time, within ${cpuSeconds} s of work: it took longer in the admission process`,
    );
  }
  const line = ending.stdout.split('\n')[0] ?? '';
  if (ending.code !== 0 || line === '') {
    const how = ending.signal === null ? `exit code ${ending.code}` : `signal ${ending.signal}`;
    const last = ending.log.trim().split('\n').at(-1)?.slice(0, 300) ?? '';
    throw refused(`Cannot admit model as the admission process must survive it: it ended with ${how}${last && `: ${last}`}`);
  }
  const reply = JSON.parse(line) as AdmissionReply;
  if (!reply.admitted) throw refused(reply.reason);
  return reply.admission;
};

const refused = (message: string): PerennialError => new PerennialError('PRN_MODEL_REFUSED', message);
