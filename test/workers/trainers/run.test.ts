import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { TrainerEnding, TrainerEvent, TrainingJob } from '#domain/contracts/training-job.ts';
import { trainerEndings } from '#domain/contracts/training-job.ts';
import type { Sha256 } from '#domain/units.ts';
import { identify } from '../../../infra/state/processes.ts';
import { hasAttempts } from '../../../infra/trainer/attempts.ts';
import type { TrainerEnd } from '../../../infra/trainer/end.ts';
import type { TrainerLaunch } from '../../../infra/trainer/launch.ts';
import { runTrainer, type TrainerRunOptions } from '../../../infra/trainer/run.ts';

const fixtures = resolve(import.meta.dirname, 'fixtures');
const job: TrainingJob = {
  format: 1,
  trainingKey: 'a'.repeat(64) as Sha256,
  task: 'binary',
  classes: ['no', 'yes'],
  columns: ['tenure', 'charges'],
  train: { rows: 10, features: 'features.npy', labels: 'labels.npy' },
  parameters: {},
  seed: 1,
  threads: 1,
  outputFolder: 'output',
  checkpointFolder: 'checkpoints',
};

const launchOf = (name: string): TrainerLaunch => ({
  name,
  codeSha256: 'c'.repeat(64) as Sha256,
  command: process.execPath,
  arguments: [join(fixtures, `${name}.ts`)],
  environment: { PATH: '/usr/bin:/bin', NODE_NO_WARNINGS: '1' },
});

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'perennial-trainer-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const run = (launch: TrainerLaunch, options: Partial<TrainerRunOptions> = {}): Promise<TrainerEnd> =>
  runTrainer(launch, folder, {
    job,
    keyFolder: join(folder, 'key'),
    timeoutMs: 20_000,
    silenceMs: 20_000,
    killDelayMs: 5_000,
    ...options,
  });

/** Every fact that an ending does not mention must have this value. */
const nothingSpecial = {
  exitCode: 0,
  signal: null,
  timedOut: false,
  silent: false,
  cancelled: false,
  forced: false,
  events: 0,
  lastProgress: null,
  logTail: '',
  problem: null,
  output: null,
};

type Case = { ending: TrainerEnding; options?: Partial<TrainerRunOptions>; facts: object; says: RegExp };
/** By then a program says its first word, also on a machine that is busy with others. */
const startedMs = 5_500;
const progress = (step: number, total: number | null = null) => ({ step, total, metrics: {} });

const cases: Readonly<Record<string, Case>> = {
  'exits-at-once': {
    ending: 'crashed',
    facts: { exitCode: 1, logTail: 'no such column "tenure"' },
    says: /must end with success: it crashed \(exit code 1, after .* s\); its last lines:\nno such column "tenure"$/,
  },
  throws: {
    ending: 'crashed',
    facts: { exitCode: 1, logTail: expect.stringContaining('rejected by the optimiser') },
    says: /its last lines:\n[^]*Error: learning_rate 9 was rejected by the optimiser\n {4}at/,
  },
  'bad-job': {
    ending: 'bad-job',
    facts: { exitCode: 64, logTail: 'learning_rate must be above 0: it is -1' },
    says: /it cannot do the job \(exit code 64/,
  },
  'temporary-trouble': {
    ending: 'temporary-trouble',
    facts: { exitCode: 75, logTail: 'the device is lost' },
    says: /surroundings are in trouble \(exit code 75/,
  },
  killed: {
    ending: 'killed',
    facts: { exitCode: null, signal: 'SIGKILL', events: 1, lastProgress: progress(5, 10) },
    says: /it was killed \(signal SIGKILL, after .* s\); last progress: step 5 of 10$/,
  },
  'leaves-unasked': { ending: 'killed', facts: { exitCode: 130 }, says: /must end by itself: it was killed \(exit code 130/ },
  'heartbeats-forever': {
    ending: 'timed-out',
    options: { timeoutMs: startedMs },
    facts: {
      exitCode: null,
      signal: 'SIGTERM',
      timedOut: true,
      problem: 'and training.resources.timeout allows 5.5 s',
      events: expect.any(Number),
      lastProgress: { step: expect.any(Number), total: null, metrics: {} },
    },
    says: /within the time allowed: it was still running, and training\.resources\.timeout allows \d+\.\d s \(signal SIGTERM.*; last progress: step \d+$/,
  },
  'ignores-term': {
    ending: 'timed-out',
    options: { timeoutMs: startedMs, killDelayMs: 200 },
    facts: {
      exitCode: null,
      signal: 'SIGKILL',
      timedOut: true,
      problem: expect.any(String),
      forced: true,
      events: 1,
      lastProgress: progress(1),
      logTail: 'not now',
    },
    says: /signal SIGKILL, it ignored SIGTERM, after/,
  },
  'falls-silent': {
    ending: 'silent',
    options: { silenceMs: startedMs },
    facts: {
      exitCode: null,
      signal: 'SIGTERM',
      silent: true,
      problem: expect.any(String),
      events: 1,
      lastProgress: progress(3, 9),
    },
    says: /must print progress: it printed nothing for too long, and \d+\.\d s without a line are allowed .*; last progress: step 3 of 9$/,
  },
  'writes-half-a-result': {
    ending: 'bad-result',
    facts: { problem: expect.stringMatching(/it is not JSON/) },
    says: /whole and true/,
  },
  'nan-result': { ending: 'bad-result', facts: { problem: expect.stringMatching(/holds NaN or Infinity/) }, says: /NaN/ },
  'infinite-result': { ending: 'bad-result', facts: { problem: expect.stringMatching(/"metrics.loss"/) }, says: /metrics\.loss/ },
  'answers-too-wide': {
    ending: 'bad-result',
    facts: { problem: 'parity answers must hold 2 numbers: answer 0 holds 4' },
    says: /holds 4/,
  },
  'model-is-garbage': {
    ending: 'bad-result',
    facts: { problem: expect.stringMatching(/Cannot read the ONNX file/) },
    says: /Cannot read the ONNX file/,
  },
  'prints-garbage': {
    ending: 'no-result',
    facts: {
      events: 1,
      lastProgress: progress(4),
      logTail: expect.stringMatching(/no newline at the end$/),
      problem: 'the output folder holds no such file',
    },
    says: /there is no result\.json/,
  },
  'wrong-key': {
    ending: 'wrong-key',
    facts: { problem: `the job says ${'a'.repeat(64)}, the result ${'f'.repeat(64)}` },
    says: /its result is for another training/,
  },
  'no-model': {
    ending: 'model-missing',
    facts: { problem: '"model.onnx" is not in the output folder' },
    says: /the model file of its result is not there/,
  },
  'model-outside': {
    ending: 'model-missing',
    facts: { problem: '"../job.json" leads out of the output folder' },
    says: /leads out of the output folder/,
  },
  'lies-about-digest': {
    ending: 'model-digest-mismatch',
    facts: { problem: expect.stringMatching(/^result\.json says 0{64}, and "model.onnx" has [0-9a-f]{64}$/) },
    says: /must state the digest of the model it wrote/,
  },
};

test.each(Object.entries(cases))('runTrainer() reports every fact about a trainer that is "%s"', async (name, expected) => {
  const end = await run(launchOf(name), expected.options);
  const { message, durationMs, ...facts } = end;
  expect(facts).toEqual({ ...nothingSpecial, trainer: name, ending: expected.ending, ...expected.facts });
  expect(message).toMatch(expected.says);
  expect(message).toMatch(new RegExp(`^Cannot train with "${name}" as the trainer must `));
  expect(durationMs).toBeGreaterThan(0);
  expect(await hasAttempts(join(folder, 'key'))).toBe(false);
});

test('runTrainer() gives the checked output of a trainer that succeeds, and its events in order', async () => {
  const events: TrainerEvent[] = [];
  const { message, durationMs, output, ...facts } = await run(launchOf('succeeds'), { onEvent: (event) => events.push(event) });
  expect(facts).toEqual({
    ...nothingSpecial,
    output: undefined,
    trainer: 'succeeds',
    ending: 'succeeded',
    events: 4,
    lastProgress: progress(2, 2),
    logTail: 'a line for people',
  });
  expect(message).toBe(`Trainer "succeeds" succeeded after ${(durationMs / 1000).toFixed(1)} s`);
  expect(events.map((event) => event.event)).toEqual(['progress', 'metric', 'progress', 'done']);
  expect(output?.result.metrics).toEqual({ loss: 0.5 });
  expect(output?.modelBytes).toBe(readFileSync(output?.modelFile as string).length);
});

test('runTrainer() passes a cancellation on and lets the trainer leave by itself', async () => {
  const cancel = new AbortController();
  const options = { signal: cancel.signal, killDelayMs: 60_000, onEvent: () => cancel.abort() };
  const end = await run(launchOf('leaves-on-term'), options);
  const { message, durationMs, ...facts } = end;
  expect(facts).toEqual({
    ...nothingSpecial,
    trainer: 'leaves-on-term',
    ending: 'cancelled',
    exitCode: 130,
    cancelled: true,
    events: 1,
    lastProgress: progress(1),
    logTail: 'saved a checkpoint',
  });
  expect(message).toMatch(/it was cancelled \(exit code 130/);
  expect(durationMs).toBeLessThan(30_000);
});

test('runTrainer() kills a cancelled trainer that ignores SIGTERM, after the delay', async () => {
  const cancel = new AbortController();
  const end = await run(launchOf('ignores-term'), { signal: cancel.signal, killDelayMs: 150, onEvent: () => cancel.abort() });
  expect(end).toMatchObject({ ending: 'cancelled', cancelled: true, timedOut: false, forced: true, signal: 'SIGKILL' });
});

test('runTrainer() does not start what is cancelled already any longer than SIGTERM takes', async () => {
  const end = await run(launchOf('leaves-on-term'), { signal: AbortSignal.abort() });
  expect(end).toMatchObject({ ending: 'cancelled', cancelled: true, forced: false, output: null });
});

test('runTrainer() reports a program that is not there', async () => {
  const { message, durationMs, ...facts } = await run({ ...launchOf('succeeds'), name: 'mine', command: '/nowhere/trainer' });
  expect(facts).toEqual({
    ...nothingSpecial,
    trainer: 'mine',
    ending: 'not-started',
    exitCode: null,
    problem: 'spawn /nowhere/trainer ENOENT',
  });
  expect(message).toMatch(/^Cannot train with "mine" as the trainer must start: it could not be started, spawn \/nowhere/);
  expect(durationMs).toBeGreaterThanOrEqual(0);
});

test('runTrainer() ends what a trainer that succeeded left running', async () => {
  const end = await run(launchOf('leaves-a-child'));
  expect(end.ending).toBe('succeeded');
  expect(identify(Number(readFileSync(join(folder, 'child.pid'), 'utf8')))).toBeNull();
});

test('every ending has a fixture program that ends so', () => {
  const covered = new Set([...Object.values(cases).map((one) => one.ending), 'succeeded', 'cancelled', 'not-started']);
  expect([...covered].sort()).toEqual([...trainerEndings].sort());
  for (const name of Object.keys(cases)) expect(existsSync(join(fixtures, `${name}.ts`))).toBe(true);
});
