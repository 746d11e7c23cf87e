/** A trainer that a dead worker left ends by itself in the very moment in which it is to be ended. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import type * as Processes from '../../../infra/state/processes.ts';
import { endLeftovers, recordAttempt } from '../../../infra/trainer/attempts.ts';
import { testFolder } from '../../support/servers.ts';

/** Looks that still found the trainer. */
const seen = vi.hoisted(() => ({ pid: 0, times: 0 }));
vi.mock('../../../infra/state/processes.ts', async (original) => {
  const real = await original<typeof Processes>();
  const isRunning: typeof real.isRunning = (one) => (one.pid === seen.pid && seen.times-- > 0) || real.isRunning(one);
  return { ...real, isRunning };
});

test.each([1, 2])('and is gone after look %i: the next attempt begins all the same', async (times) => {
  const { folder, close } = testFolder();
  onTestFinished(close);
  const trainer = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
  await recordAttempt(folder, trainer.pid as number);
  trainer.kill('SIGKILL');
  await once(trainer, 'exit');
  const [name] = readdirSync(join(folder, 'attempts'));
  const file = join(folder, 'attempts', name as string);
  const record = JSON.parse(readFileSync(file, 'utf8')) as object;
  writeFileSync(file, JSON.stringify({ ...record, worker: { pid: 4_194_303, startedAt: '1' } }));
  Object.assign(seen, { pid: trainer.pid, times });
  expect(await endLeftovers(folder, 1_000)).toBe(1);
  expect(readdirSync(join(folder, 'attempts'))).toEqual([]);
});
