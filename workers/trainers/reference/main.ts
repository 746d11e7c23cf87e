/**
 * The reference trainer: linear and logistic regression without Python, deterministic, in seconds. Launched with the name
 * of a job file; see ../README.md for the contract that it keeps.
 */
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TrainingJob } from '#domain/contracts/training-job.ts';
import { loadCheckpoint, saveCheckpoint } from './checkpoint.ts';
import { answerRow, type Fitted, fitted, toOnnx } from './export.ts';
import { BadJob, leave, type Parameters, readJob, readParameters, say } from './job.ts';
import { readFeatures, readLabels, type TrainingData } from './matrix.ts';
import { iterateInPlace, largestSlope, type MinimiserState, startState } from './minimise.ts';
import { createObjective, type Objective, outputsOf } from './objective.ts';
import { watchForStop } from './stop.ts';

/** Values are learned on a scale of their own, so that one tolerance fits every unit. Changes the labels in place. */
const scaleLabelsInPlace = (task: TrainingJob['task'], labels: Float32Array): { mean: number; scale: number } => {
  if (task !== 'regression') return { mean: 0, scale: 1 };
  const mean = labels.reduce((sum, label) => sum + label, 0) / labels.length;
  const scale = Math.sqrt(labels.reduce((sum, label) => sum + (label - mean) ** 2, 0) / labels.length) || 1;
  for (let row = 0; row < labels.length; row++) labels[row] = ((labels[row] as number) - mean) / scale;
  return { mean, scale };
};

const saveOrWarn = (job: TrainingJob, state: MinimiserState): void => {
  try {
    saveCheckpoint(job.checkpointFolder, job.trainingKey, state);
  } catch (error) {
    say({ event: 'warning', message: `Cannot save a checkpoint: ${(error as Error).message}` });
  }
};

const stopWanted = watchForStop();

/** Returns false where it was told to stop; the state is saved then. */
const minimise = async (
  job: TrainingJob,
  parameters: Parameters,
  state: MinimiserState,
  objective: Objective,
): Promise<boolean> => {
  while (state.iteration < parameters.maxIterations && largestSlope(state) > parameters.tolerance) {
    if (await stopWanted()) {
      saveOrWarn(job, state);
      return false;
    }
    if (!iterateInPlace(state, objective)) break;
    say({ event: 'progress', step: state.iteration, total: parameters.maxIterations, metrics: { train_loss: state.value } });
    if (state.iteration % parameters.checkpointEvery === 0) saveOrWarn(job, state);
  }
  return true;
};

const writeResult = (job: TrainingJob, model: Fitted, state: MinimiserState, parityRows: number[]): void => {
  const bytes = toOnnx(model, job.trainingKey);
  writeFileSync(join(job.outputFolder, 'model.onnx'), bytes);
  const result = {
    format: 1,
    trainingKey: job.trainingKey,
    model: { path: 'model.onnx', sha256: createHash('sha256').update(bytes).digest('hex') },
    metrics: { train_loss: state.value, iterations: state.iteration },
    parity: { rows: parityRows, answers: parityRows.map((row) => answerRow(model, row)) },
    environment: { node: process.versions.node, v8: process.versions.v8 },
  };
  writeFileSync(join(job.outputFolder, 'result.json'), JSON.stringify(result));
};

const train = async (job: TrainingJob, data: TrainingData, labels: Float32Array, parameters: Parameters): Promise<boolean> => {
  const outputs = outputsOf(job.task, job.classes.length);
  const scale = scaleLabelsInPlace(job.task, labels);
  const objective = createObjective(job.task, outputs, data.scaled, labels, parameters.l2);
  const size = outputs * (data.scaled.columns + 1);
  const saved = loadCheckpoint(job.checkpointFolder, job.trainingKey, size);
  const state = saved ?? startState(objective, size);
  if (saved !== null) say({ event: 'warning', message: `Goes on from the checkpoint of iteration ${saved.iteration}` });
  if (!(await minimise(job, parameters, state, objective))) return false;
  writeResult(job, fitted(job.task, data.scaled, state.weights, outputs, scale), state, data.parityRows);
  return true;
};

const main = async (): Promise<void> => {
  const job = readJob(process.argv[2] ?? 'job.json');
  const parameters = readParameters(job.parameters);
  if (job.task !== 'regression' && job.classes.length < 2) {
    throw new BadJob(`Cannot train a classifier as it needs at least two classes: the job has ${job.classes.length}`);
  }
  const labels = await readLabels(job.train.labels, job.train.rows, job.classes.length);
  const data = await readFeatures(job.train.features, job.train.rows, job.columns);
  const isDone = await train(job, data, labels, parameters);
  if (isDone) say({ event: 'done' });
  leave(isDone ? 'success' : 'cancelled');
};

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof BadJob ? error.message : (error as Error).stack}\n`);
  if (error instanceof BadJob) leave('badJob');
  else process.exit(1);
});
