import { appendFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { followLogs, lastLines, listLogs } from '../../../workers/supervise/log-files.ts';
import { testFolder } from '../../support/servers.ts';

const folderWith = (logs: Record<string, string>): string => {
  const { folder, close } = testFolder();
  onTestFinished(close);
  for (const [name, text] of Object.entries(logs)) writeFileSync(join(folder, `${name}.log`), text);
  return folder;
};

test('lists logs by name and shows the last lines of one', () => {
  const folder = folderWith({ serve: 'one\ntwo\nthree\n', cpu: '' });
  writeFileSync(join(folder, 'cpu.log.1'), 'older');
  expect(listLogs(folder)).toEqual(['cpu', 'serve']);
  expect(lastLines(folder, 'serve', 2)).toEqual(['two', 'three']);
  expect(lastLines(folder, 'serve', 0)).toEqual([]);
  expect(lastLines(folder, 'cpu', 5)).toEqual([]);
  expect(listLogs(join(folder, 'absent'))).toEqual([]);
});

test('follows whole lines as they come, and a log that begins anew', async () => {
  const folder = folderWith({ serve: 'before\n', cpu: '' });
  const stop = new AbortController();
  const seen: string[] = [];
  const following = followLogs(folder, ['serve', 'cpu'], (log, line) => seen.push(`${log}: ${line}`), stop.signal);
  appendFileSync(join(folder, 'serve.log'), 'first\nsec');
  appendFileSync(join(folder, 'serve.log'), 'ond\n');
  appendFileSync(join(folder, 'cpu.log'), 'other\n');
  await expect.poll(() => seen.toSorted(), { timeout: 10_000 }).toEqual(['cpu: other', 'serve: first', 'serve: second']);
  writeFileSync(join(folder, 'serve.log'), 'anew\n');
  await expect.poll(() => seen.at(-1), { timeout: 10_000 }).toBe('serve: anew');
  stop.abort();
  await following;
});
