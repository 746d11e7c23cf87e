import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { identify } from '../../../infra/state/processes.ts';
import { readUpRecord, supervisorOf, tryLock, unlock } from '../../../infra/state/up-record.ts';
import { testFolder } from '../../support/servers.ts';

const stateFolder = (): string => {
  const { folder, close } = testFolder();
  onTestFinished(close);
  return folder;
};

test('one holds the lock, the next learns who, and after unlocking it is free', () => {
  const folder = stateFolder();
  const own = identify(process.pid);
  expect(tryLock(folder)).toEqual({ heldBy: null });
  expect(tryLock(folder)).toEqual({ heldBy: own });
  expect(supervisorOf(folder)).toEqual(own);
  unlock(folder);
  expect(supervisorOf(folder)).toBeNull();
  expect(readdirSync(folder)).toEqual([]);
});

test.each([
  ['of a process that is gone', '{"pid":4194303,"startedAt":"1"}'],
  ['of a process whose number another one has', JSON.stringify({ pid: process.pid, startedAt: '1' })],
  ['that was half written', '{"pid":'],
])('a lock %s does not count', (_what, text) => {
  const folder = stateFolder();
  writeFileSync(join(folder, 'up.lock'), text);
  expect(tryLock(folder)).toEqual({ heldBy: null });
  expect(supervisorOf(folder)?.pid).toBe(process.pid);
});

test('of many that find a stale lock at once, one takes it', async () => {
  const folder = stateFolder();
  writeFileSync(join(folder, 'up.lock'), '{"pid":4194303,"startedAt":"1"}');
  const module = new URL('../../../infra/state/up-record.ts', import.meta.url).href;
  const program = `import { tryLock } from ${JSON.stringify(module)};
    process.send(tryLock(${JSON.stringify(folder)}).heldBy === null ? 'mine' : 'other');
    process.on('message', () => process.exit(0));`;
  const children = Array.from({ length: 4 }, () =>
    spawn(process.execPath, ['--input-type=module', '-e', program], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] }),
  );
  const answers = await Promise.all(children.map(async (child) => (await once(child, 'message'))[0] as string));
  for (const child of children) child.send('end');
  await Promise.all(children.map((child) => once(child, 'exit')));
  expect(answers.toSorted()).toEqual(['mine', 'other', 'other', 'other']);
});

test('a record of another form counts as none', () => {
  const folder = stateFolder();
  expect(readUpRecord(folder)).toBeNull();
  writeFileSync(join(folder, 'up.json'), '{"processes": 3}');
  expect(readUpRecord(folder)).toBeNull();
});
