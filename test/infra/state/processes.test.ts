import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { endProcess, identify, isRunning, signalProcess } from '../../../infra/state/processes.ts';

const startNode = async (program: string) => {
  const child = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'ignore'] });
  await once(child.stdout, 'data');
  return { child, identity: identify(child.pid as number) as NonNullable<ReturnType<typeof identify>> };
};

test('ends a process that listens, kills one that does not, and says which', async () => {
  const polite = await startNode('setInterval(() => {}, 1000); console.log(1)');
  expect(await endProcess(polite.identity, 'SIGTERM', 10_000)).toBe('ended');
  const deaf = await startNode("process.on('SIGTERM', () => {}); setInterval(() => {}, 1000); console.log(1)");
  expect(await endProcess(deaf.identity, 'SIGTERM', 200)).toBe('killed');
  expect(await endProcess(deaf.identity, 'SIGTERM', 200)).toBe('gone');
});

test('leaves alone a process that has the number but not the start time', async () => {
  const { child, identity } = await startNode('setInterval(() => {}, 1000); console.log(1)');
  const older = { ...identity, startedAt: '1' };
  expect(isRunning(older)).toBe(false);
  expect(signalProcess(older, 'SIGKILL')).toBe(false);
  expect(await endProcess(older, 'SIGKILL', 100)).toBe('gone');
  expect(isRunning(identity)).toBe(true);
  child.kill('SIGKILL');
  await once(child, 'exit');
});
