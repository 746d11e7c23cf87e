import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, expect, onTestFinished, test } from 'vitest';
import { endProcess, identify, isRunning, type ProcessIdentity } from '../../../infra/state/processes.ts';
import { until } from '../../serving/support/http.ts';
import { requireTemporal, testFolder } from '../../support/servers.ts';
import { descendantsOf } from './processes.ts';

beforeEach(requireTemporal);

const main = new URL('../main.ts', import.meta.url).pathname;
/** PostgreSQL, Temporal and two workers start one after the other; a machine that is busy takes a minute for it. */
const startLimitMs = 180_000;
const graceMs = 30_000;

/** Ended by the test's end, with all that descends from it, whatever the test finds. */
const start = (command: string, parameters: readonly string[], temporary: string): ChildProcess & { readonly pid: number } => {
  const child = spawn(command, parameters, { stdio: 'ignore', env: { ...process.env, TMPDIR: temporary } });
  if (child.pid === undefined) throw new Error(`Cannot start "${command}"`);
  const pid = child.pid;
  onTestFinished(async () => {
    const all = descendantsOf(pid);
    child.kill('SIGKILL');
    await endAll(all);
  });
  return Object.assign(child, { pid });
};

const endAll = async (all: readonly ProcessIdentity[]): Promise<void> => {
  await Promise.all(all.map((one) => endProcess(one, 'SIGINT', graceMs)));
};

const commandOf = ({ pid }: ProcessIdentity): string => {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1').replaceAll('\0', ' ');
  } catch {
    return '';
  }
};

const wanted = [/postgres/, /temporal.* start-dev/, /worker flow/, /worker cpu/];

const untilItsServersRun = async (pid: number): Promise<readonly ProcessIdentity[]> => {
  let found: readonly ProcessIdentity[] = [];
  const areThere = async (): Promise<boolean> => {
    found = descendantsOf(pid);
    const commands = found.map(commandOf);
    return wanted.every((one) => commands.some((command) => one.test(command)));
  };
  await until('the servers and workers of the bench run', areThere, startLimitMs);
  return found;
};

test.skipIf(process.platform !== 'linux').each([
  ['SIGTERM', 143],
  ['SIGINT', 130],
] as const)(
  'a bench that %s ends leaves none of its processes and no folder, and what others own alone',
  { timeout: 2 * startLimitMs },
  async (signal, exitCode) => {
    const { folder: temporary, close } = testFolder();
    onTestFinished(close);
    mkdirSync(join(temporary, 'of-others'));
    const other = start('sleep', ['1000'], temporary);
    const bench = start(process.execPath, [main, 'watch', '10', '10', '6'], temporary);
    const servers = await untilItsServersRun(bench.pid);
    onTestFinished(() => endAll(servers));
    expect(readdirSync(temporary)).toHaveLength(2);
    bench.kill(signal);
    const ended = await once(bench, 'exit');
    expect(servers.filter(isRunning).map(commandOf)).toEqual([]);
    expect(readdirSync(temporary)).toEqual(['of-others']);
    expect(ended).toEqual([exitCode, null]);
    expect(identify(other.pid)).not.toBeNull();
  },
);

test('a bench that fails says why, and leaves nothing either', () => {
  const { folder, close } = testFolder();
  onTestFinished(close);
  const program = new URL('../programs/fails-beside-a-child.ts', import.meta.url).pathname;
  const { status, stdout, stderr } = spawnSync(process.execPath, [program], {
    env: { ...process.env, TMPDIR: folder },
    encoding: 'utf8',
  });
  expect([status, stderr]).toEqual([1, expect.stringContaining('Error: Cannot measure')]);
  expect(Number(stdout)).toBeGreaterThan(0);
  expect(identify(Number(stdout))).toBeNull();
  expect(readdirSync(folder)).toEqual([]);
});
