import type { EvaluationReport } from '#domain/contracts/evaluation-report.ts';
import type { TrainingResult } from '#domain/contracts/training-job.ts';
import { PerennialError } from '#domain/errors.ts';
import type { NpyRows } from '../../infra/features/npy-rows.ts';
import type { OnnxSession } from '../../infra/onnx/session.ts';

/**
 * How far a served answer may be from the trainer's own, relative to the larger of 1 and the largest answer: sums in float32
 * lose digits of the terms, so that an answer near 0 between large ones is no worse off than they are. Export costs about
 * 1e-6 with hundreds of trees; a forgotten transform or a swapped column costs more than 1e-3.
 */
export const parityTolerance = 1e-4;

/** Compares the session's answers for some rows of the training matrix with those that the trainer gave for them. */
export const measureParity = async (
  session: Pick<OnnxSession, 'run' | 'outputWidth'>,
  features: NpyRows,
  parity: TrainingResult['parity'],
): Promise<EvaluationReport['parity']> => {
  const { rows, answers } = parity;
  let worst: EvaluationReport['parity']['worst'] = null;
  let largestDifference = 0;
  const scale = answers.flat().reduce((largest, answer) => Math.max(largest, Math.abs(answer)), 1);
  for (const [index, row] of rows.entries()) {
    if (row >= features.rows) throw unlike(`row ${row} must be one of ${features.rows}`);
    const served = await session.run(await features.read(row, 1), 1);
    const trainer = matchWidth(answers[index] ?? [], served.length);
    for (const [output, wanted] of trainer.entries()) {
      const found = served[output] as number;
      const difference = Math.abs(found - wanted) / scale;
      if (difference <= largestDifference) continue;
      // A served answer that is no number cannot be written into a report: it is as far away as can be.
      largestDifference = Number.isFinite(difference) ? difference : Number.MAX_VALUE;
      worst = { row, output, trainer: wanted, served: Number.isFinite(found) ? found : 0 };
    }
  }
  const holds = largestDifference <= parityTolerance;
  return { rows: rows.length, largestDifference, tolerance: parityTolerance, holds, worst };
};

/** Two probabilities and one are the same answer in another form; anything else is another model. */
const matchWidth = (trainer: readonly number[], width: number): readonly number[] => {
  if (trainer.length === width) return trainer;
  const [first, second] = trainer;
  if (trainer.length === 2 && width === 1) return [second as number];
  if (trainer.length === 1 && width === 2) return [1 - (first as number), first as number];
  throw unlike(`the trainer must answer ${width} numbers a row: it answered ${trainer.length}`);
};

const unlike = (what: string): PerennialError =>
  new PerennialError('PRN_MODEL_PARITY', `Cannot compare the served model with its trainer as ${what}`);
