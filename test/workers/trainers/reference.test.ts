import { readFileSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { loadConfig } from '../../../infra/config.ts';
import type { TrainerLaunch } from '../../../infra/trainer/launch.ts';
import { referenceFiles, resolveTrainer } from '../../../infra/trainer/resolve.ts';
import { compareAnswers, layOut, runJob, type Shape } from './support.ts';

let root: string;
let launch: TrainerLaunch;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'perennial-reference-'));
  launch = await resolveTrainer(loadConfig())('reference', null);
});
afterAll(() => rm(root, { recursive: true, force: true }));

let counter = 0;
const trainOn = async (shape: Shape, parameters = {}, threads = 1) => {
  const folder = join(root, String(counter++));
  const job = await layOut(folder, shape, parameters, threads);
  return { folder, job, end: await runJob(launch, folder, job) };
};

test.each([
  ['binary', { task: 'binary', rows: 3000, columns: 9 }],
  ['multiclass', { task: 'multiclass', rows: 3000, columns: 9 }],
  ['regression', { task: 'regression', rows: 3000, columns: 9 }],
] as const)('the reference trainer answers as its ONNX file does: %s, missing values included', async (_, shape) => {
  const { folder, end } = await trainOn(shape);
  expect(end.message).toMatch(/succeeded/);
  const compared = await compareAnswers(folder, end);
  expect(compared.rows).toBeGreaterThan(200);
  expect(compared.rowsWithMissing).toBeGreaterThan(32);
  expect(compared.largestDifference).toBeLessThan(1e-5);
});

test('the reference trainer gives the same bytes twice, with any number of threads', async () => {
  const shape = { task: 'binary', rows: 2000, columns: 7 } as const;
  const [one, other] = [await trainOn(shape), await trainOn(shape, {}, 4)];
  expect(one.end.output?.result.model.sha256).toBe(other.end.output?.result.model.sha256);
  expect(one.end.output?.result.parity).toEqual(other.end.output?.result.parity);
});

test('the reference trainer finds the coefficients of a line', async () => {
  const { end } = await trainOn({ task: 'regression', rows: 4000, columns: 3, missing: false }, { l2: 0, tolerance: 1e-9 });
  // Without noise beside +-0.2 * 20, the error of the fit is the noise's: its variance, halved and on the label's scale.
  const loss = end.output?.result.metrics.train_loss as number;
  const noise = 20 ** 2 * (0.4 ** 2 / 12);
  const label = 20 ** 2 * ((1 + 4 + 9) / 12) + noise;
  expect(loss).toBeCloseTo(noise / label / 2, 3);
});

test.each([
  ['an unknown parameter', { trees: 5 }, /Cannot use parameter "trees" as the reference trainer knows only/],
  ['a parameter of the wrong kind', { l2: 'strong' }, /"l2" as it must be a number of at least 0: it is "strong"/],
  ['a parameter that is too small', { max_iterations: 0 }, /"max_iterations" as it must be a number of at least 1: it is 0/],
])('the reference trainer refuses %s', async (_, parameters, says) => {
  const { end } = await trainOn({ task: 'binary', rows: 50, columns: 3 }, parameters);
  expect([end.ending, end.exitCode]).toEqual(['bad-job', 64]);
  expect(end.logTail).toMatch(says);
});

test('the reference trainer refuses labels that are no class, and names the row', async () => {
  const folder = join(root, String(counter++));
  const job = await layOut(folder, { task: 'multiclass', rows: 500, columns: 3 }, {});
  const end = await runJob(launch, folder, { ...job, classes: ['low', 'middle'] });
  expect(end.ending).toBe('bad-job');
  expect(end.logTail).toMatch(/a label must be a class index below 2: row \d+ has 2$/);
});

test('the digest of the reference trainer covers every file that it imports', async () => {
  const own = (await readdir(resolve('workers/trainers/reference'))).map((name) => `workers/trainers/reference/${name}`);
  const imported = own.flatMap((file) =>
    [...readFileSync(file, 'utf8').matchAll(/from '(\.\.\/\.\.\/\.\.\/[^']+)'/g)].map((match) =>
      match[1]?.replace('../../../', ''),
    ),
  );
  for (const file of [...own, ...imported]) expect(referenceFiles).toContain(file);
});
