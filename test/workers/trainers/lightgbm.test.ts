import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { TrainerEvent } from '#domain/contracts/training-job.ts';
import { loadConfig } from '../../../infra/config.ts';
import { openSession } from '../../../infra/onnx/session.ts';
import { isPythonUsable } from '../../../infra/trainer/environment.ts';
import type { TrainerLaunch } from '../../../infra/trainer/launch.ts';
import { runProgram } from '../../../infra/trainer/program.ts';
import { resolveTrainer } from '../../../infra/trainer/resolve.ts';
import { compareAnswers, layOut, runJob, type Shape } from './support.ts';

const config = loadConfig();
const isUsable = await isPythonUsable(config);
if (!isUsable && config.isCi) throw new Error('Cannot test the LightGBM trainer as Python 3.10 or newer must be usable on CI');
if (!isUsable) console.warn('Tests of the LightGBM trainer are skipped: no Python of at least 3.10 with venv and pip');

describe.skipIf(!isUsable)('the LightGBM trainer', () => {
  let root: string;
  let launch: TrainerLaunch;
  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'perennial-lightgbm-'));
    launch = await resolveTrainer(config, (line) => console.warn(line))('lightgbm', null);
    // Once on a machine, its environment is fetched and installed.
  }, 20 * 60_000);
  afterAll(() => rm(root, { recursive: true, force: true }));

  let counter = 0;
  const trainOn = async (shape: Shape, parameters = {}, threads = 1, options = {}) => {
    const folder = join(root, String(counter++));
    const job = await layOut(folder, shape, parameters, threads);
    return { folder, job, end: await runJob(launch, folder, job, options) };
  };
  const few = { num_iterations: 30, num_leaves: 15 };

  test.each([
    ['two classes', { task: 'binary', rows: 3000, columns: 9 }, 2],
    ['three classes', { task: 'multiclass', rows: 3000, columns: 9 }, 3],
    ['a value', { task: 'regression', rows: 3000, columns: 9 }, 1],
    ['too few rows to split or to grow', { task: 'binary', rows: 12, columns: 3 }, 2],
  ] as const)('answers as its ONNX file does, missing values included: %s', async (_, shape, width) => {
    const { folder, end } = await trainOn(shape, few);
    expect(end.message).toMatch(/succeeded/);
    expect(end.output?.result.parity.answers[0]).toHaveLength(width);
    const compared = await compareAnswers(folder, end);
    expect(compared.rows).toBe(end.output?.result.parity.rows.length);
    if (shape.rows > 100) expect(compared.rowsWithMissing).toBeGreaterThan(32);
    expect(compared.largestDifference).toBeLessThan(1e-5);
  });

  const hardCase = (task: string, missing: boolean, params: object, more: object = {}) => ({ task, missing, params, ...more });
  test.each([
    ['missing values in training', hardCase('binary', true, {})],
    ['none in training, some in serving', hardCase('binary', false, {})],
    ['missing values taken as zero', hardCase('binary', true, { use_missing: false })],
    ['zeros taken as missing', hardCase('binary', true, { zero_as_missing: true })],
    ['a steeper sigmoid', hardCase('binary', true, { sigmoid: 2.5 })],
    ['one class only', hardCase('binary', true, {}, { constant: true })],
    ['three classes', hardCase('multiclass', true, {})],
    ['three classes, zeros taken as missing', hardCase('multiclass', false, { zero_as_missing: true })],
    ['a value', hardCase('regression', true, {})],
    ['a constant value', hardCase('regression', true, {}, { constant: true })],
    ['an average of trees', hardCase('regression', true, { boosting: 'rf', bagging_freq: 1, bagging_fraction: 0.6 })],
    ['trees that are dropped', hardCase('binary', true, { boosting: 'dart' })],
    ['a logarithmic scale', hardCase('regression', true, { objective: 'poisson' }, { positive: true })],
    ['single splits', hardCase('regression', true, { num_leaves: 2 })],
  ])('its converter keeps every answer of LightGBM itself, at the thresholds too: %s', async (_, one) => {
    const folder = join(root, String(counter++));
    mkdirSync(folder);
    const program = resolve(import.meta.dirname, 'programs/answer_with_lightgbm.py');
    const trainer = resolve('workers/trainers/lightgbm');
    const { environment } = launch;
    const end = await runProgram(launch.command, [program, trainer, folder, JSON.stringify(one)], {
      environment,
      timeoutMs: 60_000,
    });
    expect(end).toMatchObject({ exitCode: 0, errorTail: '' });
    const queries = new Float32Array(new Uint8Array(readFileSync(join(folder, 'queries.bin'))).buffer);
    const answers = new Float64Array(new Uint8Array(readFileSync(join(folder, 'answers.bin'))).buffer);
    const session = await openSession(readFileSync(join(folder, 'model.onnx')));
    const served = await session.run(queries, queries.length / 5);
    await session.release();
    expect(served).toHaveLength(answers.length);
    const off = [...answers].map((answer, at) => Math.abs(answer - (served[at] as number)) / Math.max(1, Math.abs(answer)));
    const worst = off.indexOf(Math.max(...off));
    const width = session.outputWidth;
    const row = Math.floor(worst / width);
    const where = `row ${row}: ${queries.subarray(row * 5, row * 5 + 5).join(', ')}; ${answers[worst]} served as ${served[worst]}`;
    expect(off[worst], where).toBeLessThan(1e-5);
  });

  test('gives the same bytes with one thread and with two', async () => {
    const sample = { ...few, bagging_fraction: 0.7, bagging_freq: 1, feature_fraction: 0.8 };
    const shape = { task: 'binary', rows: 4000, columns: 8 } as const;
    const [one, other] = [await trainOn(shape, sample, 1), await trainOn(shape, sample, 2)];
    expect(one.end.output?.result.model.sha256).toBe(other.end.output?.result.model.sha256);
  });

  test('goes on from its checkpoint after a kill, and ends with the bytes of an undisturbed run', async () => {
    const parameters = { num_iterations: 100, checkpoint_every: 20, num_leaves: 63, bagging_fraction: 0.7, bagging_freq: 1 };
    const shape = { task: 'binary', rows: 30_000, columns: 8 } as const;
    const undisturbed = await trainOn(shape, parameters);
    const folder = join(root, String(counter++));
    const job = await layOut(folder, shape, parameters);
    let isStruck = false;
    const killAt = (event: TrainerEvent): void => {
      if (isStruck || event.event !== 'progress' || event.step < 25) return;
      isStruck = true;
      for (const pid of attemptPids(folder)) process.kill(pid, 'SIGKILL');
    };
    const killed = await runJob(launch, folder, job, { onEvent: killAt });
    expect([killed.ending, killed.signal]).toEqual(['killed', 'SIGKILL']);
    const events: TrainerEvent[] = [];
    const resumed = await runJob(launch, folder, job, { onEvent: (event) => events.push(event) });
    const [first] = events;
    // Where the kill arrives a little late, another segment is whole already.
    const saved = /^Goes on from the checkpoint of round (20|40|60|80)$/.exec(first?.event === 'warning' ? first.message : '');
    const next = events.find((event) => event.event === 'progress');
    expect(next).toMatchObject({ step: Math.ceil((Number(saved?.[1]) + 1) / 2) * 2, total: 100 });
    expect(resumed.output?.result.model.sha256).toBe(undisturbed.end.output?.result.model.sha256);
  });

  test('leaves when it is told to, between two rounds', async () => {
    const cancel = new AbortController();
    const onEvent = (event: TrainerEvent): void => void (event.event === 'progress' && cancel.abort());
    const { end } = await trainOn({ task: 'binary', rows: 20_000, columns: 10 }, { num_iterations: 100_000 }, 1, {
      signal: cancel.signal,
      onEvent,
    });
    expect(end).toMatchObject({ ending: 'cancelled', exitCode: 130, signal: null, forced: false, output: null });
  });

  test('stops early where the validation loss does not improve, and keeps the best round', async () => {
    const wild = { learning_rate: 0.9, num_leaves: 60, min_data_in_leaf: 1, num_iterations: 300, early_stopping_round: 5 };
    const { folder, end } = await trainOn({ task: 'binary', rows: 2000, columns: 6 }, { ...wild, validation_share: 0.2 });
    const rounds = end.output?.result.metrics.rounds as number;
    expect(rounds).toBeLessThan(295);
    expect(end.lastProgress?.step as number).toBeLessThanOrEqual(rounds + 5);
    expect((await compareAnswers(folder, end)).largestDifference).toBeLessThan(1e-5);
  });

  test.each([
    [
      'a parameter that LightGBM does not know',
      { num_leafs: 31 },
      /Cannot use parameter "num_leafs" as LightGBM 4\.7\.0 knows no/,
    ],
    ['a parameter that the job sets', { random_state: 4 }, /"random_state" as it must not be set here: it is training\.seed/],
    ['a value that LightGBM refuses', { num_leaves: -3 }, /Check failed: \(num_leaves\) > \(1\)/],
    ['an objective of another task', { objective: 'poisson' }, /objective "poisson" as it must be one of binary, cross_entropy/],
    ['a number of rounds that is text', { n_estimators: 'many' }, /"num_iterations" as it must be a number from 1 to 100000/],
  ])('refuses %s, and says which', async (_, parameters, says) => {
    const { end } = await trainOn({ task: 'binary', rows: 600, columns: 3 }, parameters);
    expect([end.ending, end.exitCode]).toEqual(['bad-job', 64]);
    expect(end.logTail).toMatch(says);
  });
});

/** Who trains in this folder now, as the attempt's record says. */
const attemptPids = (folder: string): number[] => {
  const attempts = join(folder, 'key', 'attempts');
  return readdirSync(attempts).map((file) => JSON.parse(readFileSync(join(attempts, file), 'utf8')).trainer.pid as number);
};
