import { readFile } from 'node:fs/promises';
import type { TrainerEnding, TrainingResult } from '#domain/contracts/training-job.ts';
import { type ErrorCode, PerennialError } from '#domain/errors.ts';
import { openNpyRows } from '../../infra/features/npy-rows.ts';
import { admitModel } from '../../infra/onnx/admit.ts';
import type { TrainerEnd, TrainerOutput } from '../../infra/trainer/end.ts';
import type { TrainSummary } from '../../workflows/steps.ts';
import type { GpuDeps } from '../deps.ts';
import type { Training } from './job.ts';

/** What each ending means for a run; the registry says which of them a retry may mend. */
export const endingCodes: Readonly<Record<Exclude<TrainerEnding, 'succeeded'>, ErrorCode>> = {
  'bad-job': 'PRN_TRAINER_BAD_JOB',
  'temporary-trouble': 'PRN_TRAINER_CRASHED',
  crashed: 'PRN_TRAINER_CRASHED',
  killed: 'PRN_TRAINER_CRASHED',
  cancelled: 'PRN_TRAINER_CRASHED',
  'timed-out': 'PRN_TRAINER_SILENT',
  silent: 'PRN_TRAINER_SILENT',
  'no-result': 'PRN_TRAINER_BAD_RESULT',
  'bad-result': 'PRN_TRAINER_BAD_RESULT',
  'wrong-key': 'PRN_TRAINER_BAD_RESULT',
  'model-missing': 'PRN_TRAINER_BAD_RESULT',
  'model-digest-mismatch': 'PRN_TRAINER_BAD_RESULT',
  'not-started': 'PRN_TRAINER_ENVIRONMENT',
};

/** The checked output, or the error that the ending stands for, with every fact in its details. */
export const outputOf = ({ output, message, ...facts }: TrainerEnd): TrainerOutput => {
  if (output !== null) return output;
  throw new PerennialError(endingCodes[facts.ending as keyof typeof endingCodes], message, { details: facts });
};

/** Rows of the training matrix that a model must answer before it is believed to be one; a handful shows what matters. */
const admissionRows = 16;

const someRows = async (file: string, rows: readonly number[]): Promise<(number | null)[][]> => {
  const matrix = await openNpyRows(file);
  try {
    const read = [];
    for (const row of rows.slice(0, admissionRows)) {
      read.push([...(await matrix.read(row, 1))].map((value) => (Number.isFinite(value) ? value : null)));
    }
    return read;
  } finally {
    await matrix.close();
  }
};

/**
 * Lets a process of its own load the model and answer rows of the training matrix. Throws PRN_MODEL_REFUSED. For two
 * classes one number is admitted as well: the probability of the second.
 */
export const admitOutput = async (training: Training, output: TrainerOutput, features: string, signal?: AbortSignal) => {
  const { task, classes, columns } = training.frame;
  const vectors = await someRows(features, output.result.parity.rows);
  const options = { vectors, width: columns.length, ...(signal === undefined ? {} : { signal }) };
  const { outputWidth } = await admitModel(await readFile(output.modelFile), options);
  const wanted = task === 'regression' ? [1] : task === 'binary' ? [2, 1] : [classes.length];
  if (wanted.includes(outputWidth)) return;
  throw new PerennialError(
    'PRN_MODEL_REFUSED',
    `Cannot admit the model of trainer "${training.launch.name}" as it must answer ${wanted[0]} numbers a row: it answers ${outputWidth}`,
  );
};

/** Stores model and result; the same training stores the same objects. */
export const keepOutput = async (
  deps: Pick<GpuDeps, 'content'>,
  training: Training,
  output: TrainerOutput,
  durationMs: number,
): Promise<TrainSummary> => {
  const { sha256: onnxSha256, bytes } = await deps.content.putFile(output.modelFile);
  const result: TrainingResult = {
    format: 1,
    trainingKey: training.key,
    trainer: training.launch.name,
    onnxSha256,
    onnxBytes: bytes,
    metrics: output.result.metrics,
    parity: output.result.parity,
    environment: output.result.environment,
    durationMs,
  };
  return { trainingKey: training.key, resultSha256: await deps.content.putJson(result), onnxSha256, durationMs };
};
