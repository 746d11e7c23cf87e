import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { TrainingJob } from '#domain/contracts/training-job.ts';
import { loadConfig } from '../../../infra/config.ts';
import { isRunning, type ProcessIdentity, waitUntilGone } from '../../../infra/state/processes.ts';
import type { TrainerLaunch } from '../../../infra/trainer/launch.ts';
import { resolveTrainer } from '../../../infra/trainer/resolve.ts';
import { fixtureLaunch, layOut, runJob } from './support.ts';

let folder: string;
const workers: ChildProcess[] = [];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'perennial-leftover-'));
});
afterEach(async () => {
  for (const worker of workers.splice(0)) worker.kill('SIGKILL');
  await rm(folder, { recursive: true, force: true });
});

const keyFolder = (): string => join(folder, 'key');

/** Waits for a fact that another process brings about; says which one when it does not come. */
const until = async <T>(what: string, look: () => T | null): Promise<T> => {
  for (const deadline = performance.now() + 30_000; performance.now() < deadline; await delay(20)) {
    const found = look();
    if (found !== null) return found;
  }
  throw new Error(`Waited 30 s in vain for ${what}`);
};

const readTrainer = (): ProcessIdentity | null => {
  const attempts = join(keyFolder(), 'attempts');
  const [file] = existsSync(attempts) ? readdirSync(attempts) : [];
  try {
    return file === undefined ? null : (JSON.parse(readFileSync(join(attempts, file), 'utf8')).trainer as ProcessIdentity);
  } catch {
    return null;
  }
};

/** A worker in a process of its own, whose trainer has started. */
const startWorker = async (
  launch: TrainerLaunch,
  job: TrainingJob,
): Promise<{ worker: ChildProcess; trainer: ProcessIdentity }> => {
  const jobFolder = join(folder, 'first');
  await mkdir(jobFolder, { recursive: true });
  writeFileSync(join(jobFolder, 'setting.json'), JSON.stringify({ launch, job }));
  const program = resolve(import.meta.dirname, 'programs/keep-trainer.ts');
  const worker = spawn(process.execPath, [program, jobFolder, keyFolder()], { stdio: 'ignore' });
  workers.push(worker);
  return { worker, trainer: await until('the record of the trainer', readTrainer) };
};

const tinyJob = (): Promise<TrainingJob> => layOut(join(folder, 'first'), { task: 'binary', rows: 10, columns: 2 }, {});

test('runTrainer() ends the trainer that a killed worker left, and then does its own work', async () => {
  const job = await tinyJob();
  const { worker, trainer } = await startWorker(fixtureLaunch('ignores-term'), job);
  worker.kill('SIGKILL');
  await until('the end of the worker', () => worker.signalCode);
  expect(isRunning(trainer)).toBe(true);
  await mkdir(join(folder, 'second'));
  const end = await runJob(fixtureLaunch('succeeds'), join(folder, 'second'), job, { keyFolder: keyFolder(), killDelayMs: 200 });
  expect(end.ending).toBe('succeeded');
  expect(isRunning(trainer)).toBe(false);
  expect(readdirSync(join(keyFolder(), 'attempts'))).toEqual([]);
});

test('runTrainer() leaves the trainer of another worker that is alive alone', async () => {
  const job = await tinyJob();
  const { worker, trainer } = await startWorker(fixtureLaunch('heartbeats-forever'), job);
  await mkdir(join(folder, 'second'));
  const end = await runJob(fixtureLaunch('succeeds'), join(folder, 'second'), job, { keyFolder: keyFolder() });
  expect(end.ending).toBe('succeeded');
  expect(isRunning(trainer)).toBe(true);
  worker.kill('SIGKILL');
  process.kill(-trainer.pid, 'SIGKILL');
  expect(await waitUntilGone(trainer, 10_000)).toBe(true);
});

test('the reference trainer saves its state and leaves by itself when its worker is killed', async () => {
  const parameters = { tolerance: 0, max_iterations: 10_000, l2: 0 };
  const job = await layOut(join(folder, 'first'), { task: 'multiclass', rows: 200_000, columns: 40 }, parameters);
  const launch = await resolveTrainer(loadConfig())('reference', null);
  const { worker, trainer } = await startWorker(launch, { ...job, checkpointFolder: '../checkpoints' });
  worker.kill('SIGKILL');
  expect(await waitUntilGone(trainer, 30_000)).toBe(true);
  expect(readdirSync(join(folder, 'checkpoints'))).toEqual(['reference.json']);
});
