/** Several find the lock of one that is gone: what another did since is seen, and its lock stays in its place. */
import { existsSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import type * as Processes from '../../../infra/state/processes.ts';
import { supervisorOf, tryLock } from '../../../infra/state/up-record.ts';
import { testFolder } from '../../support/servers.ts';

/** Told before each answer whether a process runs. */
const whenAsked = vi.hoisted(() => ({ tell: (_pid: number): void => {} }));
vi.mock('../../../infra/state/processes.ts', async (original) => {
  const real = await original<typeof Processes>();
  const isRunning: typeof real.isRunning = (one) => {
    whenAsked.tell(one.pid);
    return real.isRunning(one);
  };
  return { ...real, isRunning };
});
const { identify } = await import('../../../infra/state/processes.ts');

const gone = { pid: 4_194_303, startedAt: '1' };

const lockOfGone = (): { folder: string; lock: string } => {
  const { folder, close } = testFolder();
  onTestFinished(close);
  const lock = join(folder, 'up.lock');
  writeFileSync(lock, JSON.stringify(gone));
  return { folder, lock };
};

test('a lock that another took between two looks is not moved, not for a moment', () => {
  const { folder, lock } = lockOfGone();
  const other = identify(process.ppid);
  let isTaken = false;
  whenAsked.tell = (pid) => {
    expect(existsSync(lock)).toBe(true);
    if (pid !== gone.pid || isTaken) return;
    isTaken = true;
    writeFileSync(`${lock}.other`, JSON.stringify(other));
    renameSync(`${lock}.other`, lock);
  };
  expect(tryLock(folder)).toEqual({ heldBy: other });
  expect(supervisorOf(folder)).toEqual(other);
  expect(readdirSync(folder)).toEqual(['up.lock']);
});

test('one that was killed while it took over keeps nobody from it', () => {
  const { folder, lock } = lockOfGone();
  for (const left of [`${lock}.turn`, `${lock}.turn.turn`]) writeFileSync(left, JSON.stringify(gone));
  whenAsked.tell = () => expect(existsSync(lock)).toBe(true);
  expect(tryLock(folder)).toEqual({ heldBy: null });
  expect(supervisorOf(folder)).toEqual(identify(process.pid));
  expect(readdirSync(folder)).toEqual(['up.lock']);
});
