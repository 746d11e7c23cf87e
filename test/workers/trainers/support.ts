/** Jobs for real trainers, and a look at what they made. */
import { mkdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { TrainingJob } from '#domain/contracts/training-job.ts';
import type { Sha256 } from '#domain/units.ts';
import { createNpyWriter, readNpy } from '../../../infra/features/npy.ts';
import { openSession } from '../../../infra/onnx/session.ts';
import type { TrainerEnd } from '../../../infra/trainer/end.ts';
import type { TrainerLaunch } from '../../../infra/trainer/launch.ts';
import { runTrainer, type TrainerRunOptions } from '../../../infra/trainer/run.ts';

export const fixtureLaunch = (name: string): TrainerLaunch => ({
  name,
  codeSha256: 'c'.repeat(64) as Sha256,
  command: process.execPath,
  arguments: [join(resolve(import.meta.dirname, 'fixtures'), `${name}.ts`)],
  environment: { PATH: '/usr/bin:/bin', NODE_NO_WARNINGS: '1' },
});

const write = async (file: string, shape: [number] | [number, number], numbers: Float32Array): Promise<void> => {
  const writer = await createNpyWriter(file, shape);
  await writer.write(numbers);
  await writer.close();
};

/** A seeded stream of numbers in [0, 1). */
export const numbersFrom = (seed: number): (() => number) => {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
};

export type Shape = { task: TrainingJob['task']; rows: number; columns: number; missing?: boolean };

/** The label follows the first columns; scales differ by column, and each fourth has missing values where asked for. */
const rowsOf = ({ task, rows, columns, missing = true }: Shape): { features: Float32Array; labels: Float32Array } => {
  const next = numbersFrom(rows + columns);
  const features = new Float32Array(rows * columns);
  const labels = new Float32Array(rows);
  for (let row = 0; row < rows; row++) {
    let sum = (next() - 0.5) * 0.4;
    for (let column = 0; column < columns; column++) {
      const value = next() - 0.5;
      if (column < 3) sum += value * (column + 1);
      const isMissing = missing && column % 4 === 0 && next() < 0.1;
      features[row * columns + column] = isMissing ? Number.NaN : value * 10 ** (column % 5) + column * 3;
    }
    labels[row] =
      task === 'regression' ? 50 + 20 * sum : task === 'binary' ? Number(sum > 0) : sum < -0.4 ? 0 : sum < 0.4 ? 1 : 2;
  }
  return { features, labels };
};

const classesOf = { binary: ['no', 'yes'], multiclass: ['low', 'middle', 'high'], regression: [] };

/** Lays a job out in a folder, as the train step does. */
export const layOut = async (
  folder: string,
  shape: Shape,
  parameters: TrainingJob['parameters'],
  threads = 1,
): Promise<TrainingJob> => {
  const { features, labels } = rowsOf(shape);
  mkdirSync(folder, { recursive: true });
  await write(join(folder, 'features.npy'), [shape.rows, shape.columns], features);
  await write(join(folder, 'labels.npy'), [shape.rows], labels);
  return {
    format: 1,
    trainingKey: 'a'.repeat(64) as Sha256,
    task: shape.task,
    classes: classesOf[shape.task],
    columns: Array.from({ length: shape.columns }, (_, index) => `column ${index}`),
    train: { rows: shape.rows, features: 'features.npy', labels: 'labels.npy' },
    parameters,
    seed: 5,
    threads,
    outputFolder: 'output',
    checkpointFolder: 'checkpoints',
  };
};

export const runJob = (
  launch: TrainerLaunch,
  folder: string,
  job: TrainingJob,
  options: Partial<TrainerRunOptions> = {},
): Promise<TrainerEnd> =>
  runTrainer(launch, folder, {
    job,
    keyFolder: join(folder, 'key'),
    timeoutMs: 120_000,
    silenceMs: 120_000,
    killDelayMs: 20_000,
    ...options,
  });

export type Comparison = { rows: number; rowsWithMissing: number; largestDifference: number };

/**
 * Answers of the served runtime beside the trainer's own, on rows of the training matrix. Differences are relative to the
 * size of the answer where that is above 1.
 */
export const compareAnswers = async (folder: string, end: TrainerEnd): Promise<Comparison> => {
  if (end.output === null) throw new Error(end.message);
  const { rows, answers } = end.output.result.parity;
  const matrix = await readNpy(join(folder, 'features.npy'));
  const picked = new Float32Array(rows.length * matrix.columns);
  rows.forEach((row, at) => {
    picked.set(matrix.data.subarray(row * matrix.columns, (row + 1) * matrix.columns), at * matrix.columns);
  });
  const session = await openSession(readFileSync(end.output.modelFile));
  const served = await session.run(picked, rows.length);
  const flat = answers.flat();
  await session.release();
  if (served.length !== flat.length) throw new Error(`${served.length} served numbers for ${flat.length} of the trainer`);
  const differences = flat.map((answer, at) => Math.abs(answer - (served[at] as number)) / Math.max(1, Math.abs(answer)));
  const hasMissing = (at: number): boolean => picked.subarray(at * matrix.columns, (at + 1) * matrix.columns).some(Number.isNaN);
  return {
    rows: rows.length,
    rowsWithMissing: rows.filter((_, at) => hasMissing(at)).length,
    largestDifference: Math.max(...differences),
  };
};
