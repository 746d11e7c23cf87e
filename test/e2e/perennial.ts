/** The command as its user calls it: a process of its own, on the servers of a stage. */
import { spawn } from 'node:child_process';
import { join, resolve } from 'node:path';
import type { Stage } from './stage.ts';

const main = resolve(import.meta.dirname, '../../workers/cli/main.ts');

export type Answer = { readonly exit: number | null; readonly stdout: string; readonly stderr: string };

export const perennial = (stage: Stage, ...words: readonly string[]): Promise<Answer> =>
  new Promise((done, fail) => {
    const child = spawn(process.execPath, [main, ...words], {
      cwd: stage.folder,
      env: {
        ...process.env,
        PERENNIAL_STATE_DIR: join(stage.folder, 'state'),
        DATABASE_URL: '',
        TEMPORAL_ADDRESS: '',
        PERENNIAL_STORE: '',
      },
    });
    const out = { stdout: '', stderr: '' };
    child.stdout.on('data', (chunk: Buffer) => (out.stdout += chunk));
    child.stderr.on('data', (chunk: Buffer) => (out.stderr += chunk));
    child.on('error', fail);
    child.on('close', (exit) => done({ exit, ...out }));
  });
