/** Evidently beside us: an environment of its own, made once, and one process that measures when it is asked to. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { loadConfig } from '../../../infra/config.ts';
import { sha256Of } from '../../../infra/objects/digest.ts';
import { runProgram } from '../../../infra/trainer/program.ts';
import { findPython } from '../../../infra/trainer/python.ts';

const requirements = join(import.meta.dirname, 'evidently-requirements.txt');
const program = join(import.meta.dirname, 'evidently-drift.py');
const installTimeoutMs = 20 * 60_000;

/** The Python of an environment with the pinned versions; built under another name, so that half of one is never used. */
const provideEnvironment = async (): Promise<string> => {
  const config = loadConfig(process.env);
  const folder = join(config.cacheDir, 'bench', `evidently-${sha256Of(readFileSync(requirements)).slice(0, 12)}`);
  const python = join(folder, 'bin', 'python');
  const isWhole = join(folder, 'whole');
  if (existsSync(isWhole)) return python;
  process.stdout.write(`Setting up Evidently in "${folder}", once: some minutes\n`);
  rmSync(folder, { recursive: true, force: true });
  const { executable } = await findPython(config);
  const install = `"$0" -m venv "$1" && "$1/bin/python" -m pip install --disable-pip-version-check --no-input -q -r "$2" && touch "$1/whole.tmp"`;
  const options = { environment: config.installerEnvironment, timeoutMs: installTimeoutMs };
  const end = await runProgram('sh', ['-c', install, executable, folder, requirements], options);
  if (end.exitCode !== 0) throw new Error(`Cannot set up Evidently in "${folder}" as pip must succeed: ${end.errorTail}`);
  renameSync(`${isWhole}.tmp`, isWhole);
  return python;
};

export type Measured = { readonly seconds: number; readonly cpuSeconds: number; readonly drifted: number };
export type Evidently = { readonly measure: () => Promise<Measured>; readonly close: () => void };

const nextLine = async <T>(lines: AsyncIterator<string>, child: ChildProcess): Promise<T> => {
  const { value, done } = await lines.next();
  if (done === true) throw new Error(`Cannot measure Evidently as its process must live: it ended with ${child.exitCode}`);
  return JSON.parse(value) as T;
};

/** Starts the process and waits until it has loaded its modules. */
export const openEvidently = async (reference: string, current: string): Promise<Evidently> => {
  const python = await provideEnvironment();
  const environment = { PATH: `${dirname(python)}:/usr/bin:/bin`, HOME: dirname(reference), DO_NOT_TRACK: '1' };
  const child = spawn(python, [program, reference, current], { env: environment, stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  await nextLine(lines, child);
  return {
    measure: () => {
      child.stdin.write('measure\n');
      return nextLine<Measured>(lines, child);
    },
    close: () => void child.stdin.end(),
  };
};
