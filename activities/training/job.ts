import { mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { FeatureFrame } from '#domain/contracts/feature-set.ts';
import { type TrainingJob, trainingJobSchema } from '#domain/contracts/training-job.ts';
import type { Sha256 } from '#domain/units.ts';
import { digestOfJson } from '../../infra/objects/digest.ts';
import type { TrainInput } from '../../workflows/steps.ts';
import type { GpuDeps, PipelineSpec, TrainerLaunch } from '../deps.ts';

/** Part of the training key: raise it whenever the same job would be handed over in another form. */
const trainVersion = 1;

/** One training: what is to be learned from what, by whom. */
export type Training = {
  readonly input: TrainInput;
  readonly frame: FeatureFrame;
  readonly spec: PipelineSpec;
  readonly launch: TrainerLaunch;
  readonly key: Sha256;
  /** Kept over attempts of this key, until one succeeds. */
  readonly keyFolder: string;
};

/** The number of threads is not in it: a trainer has to give the same model with any. */
export const trainingKeyOf = (input: TrainInput, frame: FeatureFrame, spec: PipelineSpec, launch: TrainerLaunch): Sha256 =>
  digestOfJson({
    step: 'trainCandidate',
    version: trainVersion,
    frame: input.frameSha256,
    task: frame.task,
    trainer: launch.codeSha256,
    parameters: spec.training.parameters,
    seed: spec.training.seed,
  });

export const jobOf = ({ frame, spec, key }: Training, threads: number): TrainingJob =>
  trainingJobSchema.parse({
    format: 1,
    trainingKey: key,
    task: frame.task,
    classes: frame.classes,
    columns: frame.columns,
    train: { rows: frame.train.rows, features: 'features.npy', labels: 'labels.npy' },
    parameters: spec.training.parameters,
    seed: spec.training.seed,
    threads,
    outputFolder: 'output',
    checkpointFolder: 'checkpoints',
  });

/** The job's folder holds links: to the matrix in the store, and to what earlier attempts saved. */
export const layOutJob = async (deps: Pick<GpuDeps, 'content'>, training: Training, folder: string): Promise<void> => {
  const { frame, keyFolder } = training;
  const checkpoints = join(keyFolder, 'checkpoints');
  await mkdir(checkpoints, { recursive: true });
  await symlink(await deps.content.localFile(frame.train.features), join(folder, 'features.npy'));
  await symlink(await deps.content.localFile(frame.train.labels), join(folder, 'labels.npy'));
  await symlink(checkpoints, join(folder, 'checkpoints'));
};
