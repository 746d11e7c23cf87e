import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { identify } from '../../../infra/state/processes.ts';
import { noteOutside, openStateFolder, outsideFolder } from '../../../infra/state/state-folder.ts';
import { tryLock, unlock } from '../../../infra/state/up-record.ts';
import { resetState } from '../../../workers/supervise/reset-state.ts';
import { testFolder } from '../../support/servers.ts';

const newFolder = (): string => {
  const { folder, close } = testFolder();
  onTestFinished(close);
  return folder;
};
const silent = (): void => {};

const nested = (): { outer: string; inner: string } => {
  const outer = join(newFolder(), '.perennial');
  const inner = join(outer, 'demo');
  for (const folder of [outer, inner]) openStateFolder(folder);
  return { outer, inner };
};

test('does not remove what runs from a folder inside, and says where and how it is stopped', async () => {
  const { outer, inner } = nested();
  expect(tryLock(inner)).toEqual({ heldBy: null });
  await expect(resetState(outer, silent)).rejects.toMatchObject({
    code: 'PRN_CONFLICT',
    message: `Cannot empty "${outer}" as nothing must run from it: process ${process.pid} runs from "${inner}". Stop it with Ctrl-C where it runs, or with \`PERENNIAL_STATE_DIR=${inner} perennial down\``,
  });
  expect([outer, inner].every((folder) => existsSync(join(folder, 'state.json')))).toBe(true);
  unlock(inner);
  expect(await resetState(outer, silent)).toEqual([inner, outer]);
  expect(existsSync(outer)).toBe(false);
});

test('removes what folders inside noted outside as well, and nothing beside them', async () => {
  const { outer, inner } = nested();
  const outside = outsideFolder(inner);
  onTestFinished(() => expect(existsSync(outside)).toBe(false));
  mkdirSync(outside);
  noteOutside(inner, outside);
  const beside = join(outer, '..', 'beside');
  openStateFolder(beside);
  // A lock of a process that is gone is nobody's.
  writeFileSync(join(inner, 'up.lock'), JSON.stringify({ ...identify(process.pid), startedAt: 'long ago' }));
  expect(await resetState(outer, silent)).toEqual([outside, inner, outer]);
  expect(existsSync(beside)).toBe(true);
});

test('removes nothing inside a folder that Perennial did not make', async () => {
  const outer = newFolder();
  const inner = join(outer, 'demo');
  openStateFolder(inner);
  await expect(resetState(outer, silent)).rejects.toMatchObject({ code: 'PRN_CONFLICT' });
  expect(existsSync(join(inner, 'state.json'))).toBe(true);
});
