/** Programs of the machine: where they are, and one built from a Go module into the cache. */
import { execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { accessSync, constants } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { PerennialError } from '#domain/errors.ts';

const run = promisify(execFile);

export const isExecutable = (path: string): boolean => {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
};

/** The first program of this name on the PATH, which the shell knows best; null for none. */
export const findProgram = async (name: string): Promise<string | null> => {
  const found = await run('sh', ['-c', 'command -v "$1"', 'sh', name]).catch(() => null);
  const path = found?.stdout.trim() ?? '';
  return path.startsWith('/') ? path : null;
};

/** Makes a file under another name first: whoever finds it under its own name finds it whole, however many make it at once. */
export const installProgram = async (target: string, make: (unfinished: string) => Promise<void>): Promise<string> => {
  await mkdir(dirname(target), { recursive: true });
  const unfinished = `${target}.${process.pid}.${randomBytes(4).toString('hex')}`;
  try {
    await make(unfinished);
    await rename(unfinished, target);
  } finally {
    await rm(unfinished, { recursive: true, force: true });
  }
  return target;
};

/** Lines between two reports: a build of 1,900 packages reports about ten times. */
const packagesPerReport = 200;
const tailLines = 12;
const endSignals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * Runs `go` and reports how many packages it compiled; needs `-v` among the parameters. Throws PRN_UNREACHABLE with
 * its last lines.
 */
export const runGo = async (
  parameters: readonly string[],
  variables: readonly string[],
  folder: string,
  onProgress: (line: string) => void,
): Promise<void> => {
  // Through env(1), so that all of the caller's settings (proxy, caches) stay as they are.
  const child = spawn('env', ['CGO_ENABLED=0', ...variables, 'go', ...parameters], {
    cwd: folder,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  // Whoever is told to stop does not wait minutes for a build.
  const giveUp = (): void => void child.kill('SIGTERM');
  for (const signal of endSignals) process.on(signal, giveUp);
  const tail: string[] = [];
  let count = 0;
  for await (const line of createInterface({ input: child.stderr })) {
    tail.push(line);
    if (tail.length > tailLines) tail.shift();
    count += 1;
    if (count % packagesPerReport === 0) onProgress(`  ${count} packages fetched or compiled`);
  }
  const exitCode = await ended;
  for (const signal of endSignals) process.off(signal, giveUp);
  if (exitCode !== 0)
    throw new PerennialError('PRN_UNREACHABLE', `Cannot build with Go ("go ${parameters.join(' ')}"): ${tail.join('\n')}`);
};
