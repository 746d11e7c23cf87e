import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { noteOutside, openStateFolder, outsideFolder, purgeStateFolder } from '../../../infra/state/state-folder.ts';
import { testFolder } from '../../support/servers.ts';

const newFolder = (): string => {
  const { folder, close } = testFolder();
  onTestFinished(close);
  return folder;
};

test('is closed to others, ignored by version control, and removed with what it noted outside', () => {
  const stateDir = join(newFolder(), 'state');
  openStateFolder(stateDir);
  expect(statSync(stateDir).mode & 0o066).toBe(0);
  expect(readFileSync(join(stateDir, '.gitignore'), 'utf8')).toBe('*\n');
  const outside = outsideFolder(stateDir);
  mkdirSync(outside);
  noteOutside(stateDir, outside);
  openStateFolder(stateDir);
  expect(purgeStateFolder(stateDir)).toEqual([outside, stateDir]);
  expect([outside, stateDir].filter(existsSync)).toEqual([]);
  expect(purgeStateFolder(stateDir)).toEqual([]);
});

test('a folder that Perennial did not make is not removed, nor what a marker names elsewhere', () => {
  const folder = newFolder();
  writeFileSync(join(folder, 'thesis.txt'), 'years of work');
  expect(() => purgeStateFolder(folder)).toThrow(/must hold the "state\.json"/);
  const stateDir = join(folder, 'state');
  openStateFolder(stateDir);
  noteOutside(stateDir, folder);
  expect(purgeStateFolder(stateDir)).toEqual([stateDir]);
  expect(readFileSync(join(folder, 'thesis.txt'), 'utf8')).toBe('years of work');
});
