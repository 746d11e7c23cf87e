import { performance } from 'node:perf_hooks';
import type { NpyRows } from '../../infra/features/npy-rows.ts';
import type { OnnxSession } from '../../infra/onnx/session.ts';

/** Rows read and answered at a time; memory does not grow with the hold-out. */
const chunkRows = 8192;

/** Row-major answers `[n, width]` for a matrix of vectors. */
export const scoreMatrix = async (
  session: OnnxSession,
  features: NpyRows,
  onRows: (done: number) => void,
): Promise<Float32Array> => {
  const answers = new Float32Array(features.rows * session.outputWidth);
  for (let from = 0; from < features.rows; from += chunkRows) {
    const count = Math.min(chunkRows, features.rows - from);
    answers.set(await session.run(await features.read(from, count), count), from * session.outputWidth);
    onRows(from + count);
  }
  return answers;
};

/** Single rows that are timed: enough for a steady median, few enough to take no time. */
const timedRows = 200;

/** Median time of one row alone, in milliseconds, as a server would ask for it. */
export const measureLatency = async (session: OnnxSession, features: NpyRows): Promise<number> => {
  const times: number[] = [];
  for (let row = 0; row < Math.min(timedRows, features.rows); row++) {
    const vector = await features.read(row, 1);
    const startedAt = performance.now();
    await session.run(vector, 1);
    times.push(performance.now() - startedAt);
  }
  return times.sort((left, right) => left - right)[Math.floor(times.length / 2)] ?? 0;
};
