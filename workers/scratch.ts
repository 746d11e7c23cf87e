/** Folders for the length of one step. What a killed worker left is removed by the next one that starts. */
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Scratch } from '../activities/deps.ts';

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
};

/** Folder names carry the process that made them: "ingest.1234.aB3dE6". */
const sweep = (root: string): void => {
  for (const name of readdirSync(root)) {
    const pid = Number(/\.(\d+)\.[^.]+$/.exec(name)?.[1]);
    if (Number.isInteger(pid) && !isAlive(pid)) rmSync(join(root, name), { recursive: true, force: true });
  }
};

export const openScratch = (root: string): Scratch => {
  mkdirSync(root, { recursive: true, mode: 0o700 });
  sweep(root);
  return {
    withFolder: async (name, work) => {
      // mkdtemp makes it with mode 0700.
      const folder = await mkdtemp(join(root, `${name.replaceAll(/[^A-Za-z0-9_-]/g, '-')}.${process.pid}.`));
      try {
        return await work(folder);
      } finally {
        await rm(folder, { recursive: true, force: true });
      }
    },
  };
};
