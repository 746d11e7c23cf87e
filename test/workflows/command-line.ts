/** The command as a program, as operators and CI run it, on real servers and real steps. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join, resolve } from 'node:path';
import { countPollers } from '../../infra/temporal/pollers.ts';
import { testFolder, testStore, testTemporal } from '../support/servers.ts';
import { openRealPlace, type RealPlace } from './real.ts';
import { openWorld, type World } from './world.ts';

export const launcher = resolve(import.meta.dirname, '../../workers/cli/perennial');

export type Ended = { readonly exit: number | null; readonly stdout: string; readonly stderr: string };
export type Started = {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  /** What it has written by now. */
  said(stream: 'stdout' | 'stderr'): string;
};

export type CommandLine = {
  readonly world: World;
  readonly place: RealPlace;
  /** Scratch of the commands is here as well. */
  readonly folder: string;
  readonly environment: Readonly<Record<string, string>>;
  /** Ends with the rest where it has not ended before. */
  start(...words: string[]): Started;
  perennial(...words: string[]): Promise<Ended>;
  /** What is opened later is closed sooner. */
  onClose(close: () => unknown): void;
  close(): Promise<void>;
};

const startProgram = (words: readonly string[], env: CommandLine['environment']): Started => {
  const child = spawn(launcher, words, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const said = { stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr'] as const)
    child[stream].on('data', (data: Buffer) => {
      said[stream] += data.toString();
    });
  const ended = once(child, 'close').then(([exit]) => ({ exit: exit as number | null, ...said }));
  return { child, ended, said: (stream) => said[stream] };
};

/** With our workers; the one that trains may be left out. */
export const openCommandLine = async (databaseUrl: string, options: { readonly gpuWorker?: boolean } = {}) => {
  const closing: (() => unknown)[] = [];
  const [store, { folder, close: remove }] = [testStore(), testFolder()];
  if (store.config.kind !== 'directory') throw new Error('Expected a directory store');
  closing.push(remove, store.close);
  const count = (queue: string) => countPollers(world.connection, 'default', queue);
  const place = openRealPlace({ databaseUrl, store: store.config }, folder, count);
  closing.push(place.close);
  const world: World = await openWorld(place, { ...testTemporal(), ...options });
  closing.push(world.close);
  const environment = {
    PATH: process.env['PATH'] ?? '',
    HOME: process.env['HOME'] ?? '',
    TMPDIR: folder,
    NO_COLOR: '1',
    CI: '1',
    DATABASE_URL: databaseUrl,
    TEMPORAL_ADDRESS: world.address,
    PERENNIAL_STORE: store.config.folder,
    PERENNIAL_STATE_DIR: join(folder, 'state'),
    PERENNIAL_ACTOR: 'ada',
  };
  const start = (...words: string[]): Started => {
    const started = startProgram(words, environment);
    closing.push(() => started.child.kill('SIGKILL'));
    return started;
  };
  const opened: CommandLine = {
    ...{ world, place, folder, environment, start },
    perennial: (...words) => start(...words).ended,
    onClose: (close) => void closing.push(close),
    close: async () => {
      for (const close of closing.reverse()) await close();
    },
  };
  return opened;
};
