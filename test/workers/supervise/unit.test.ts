import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { isRunning } from '../../../infra/state/processes.ts';
import { startServerProcess } from '../../../infra/state/server-process.ts';
import { superviseUnit, type Unit, type UnitSpec } from '../../../workers/supervise/unit.ts';
import { testFolder } from '../../support/servers.ts';

type Change = Parameters<Parameters<typeof superviseUnit>[1]>[0];

const fixture = (name: string): string => fileURLToPath(new URL(`fixtures/${name}.ts`, import.meta.url));

const specOf = (name: string): UnitSpec => {
  const { folder, close } = testFolder();
  onTestFinished(close);
  return {
    name: 'cpu',
    stopSignal: 'SIGTERM',
    stopGraceMs: 10_000,
    start: async (onSpawn) => {
      const ready = Promise.withResolvers<'ready'>();
      const server = await startServerProcess(process.execPath, [fixture(name)], {
        logFile: join(folder, 'unit.log'),
        onSpawn,
        onMessage: () => ready.resolve('ready'),
      });
      const first = await Promise.race([ready.promise, server.exited]);
      if (first !== 'ready') throw new Error(server.logTail());
      return { identity: server.identity, exited: server.exited, url: null, detail: '' };
    },
  };
};

const supervise = (name: string): { unit: Unit; changes: Change[] } => {
  const changes: Change[] = [];
  const unit = superviseUnit(specOf(name), (change) => changes.push(change));
  onTestFinished(() => unit.stop());
  return { unit, changes };
};

const states = (changes: readonly Change[]): string[] => changes.flatMap(({ state }) => (state === undefined ? [] : [state]));

test('starts again what was killed, and says so', async () => {
  const { unit, changes } = supervise('lives');
  const first = await unit.ready;
  process.kill(first.identity.pid, 'SIGKILL');
  await expect.poll(() => states(changes), { timeout: 20_000 }).toEqual(['starting', 'ready', 'restarting', 'starting', 'ready']);
  expect(changes.find(({ state }) => state === 'restarting')?.detail).toBe('was ended by SIGKILL; starting again in 0.25 s');
  const second = changes.findLast(({ identity }) => identity != null)?.identity;
  expect(second?.pid).not.toBe(first.identity.pid);
});

test('gives up a first start that fails three times, with the reason', async () => {
  const { unit, changes } = supervise('ends-at-once');
  await expect(unit.ready).rejects.toThrow('the fixture does not want to');
  expect(states(changes)).toEqual(['starting', 'restarting', 'starting', 'restarting', 'starting']);
});

test('stops for good: nothing is started again', async () => {
  const { unit, changes } = supervise('lives');
  const { identity } = await unit.ready;
  await unit.stop();
  expect(isRunning(identity)).toBe(false);
  expect(states(changes)).toEqual(['starting', 'ready', 'stopping', 'stopped']);
});

test('stops while it waits to start again, and while it starts', async () => {
  const waiting = supervise('ends-at-once');
  await expect.poll(() => states(waiting.changes), { timeout: 20_000 }).toContain('restarting');
  await waiting.unit.stop();
  await expect(waiting.unit.ready).rejects.toThrow();
  const starting = supervise('lives');
  await starting.unit.stop();
  const started = starting.changes.find(({ identity }) => identity != null)?.identity;
  expect(started == null || !isRunning(started)).toBe(true);
});
