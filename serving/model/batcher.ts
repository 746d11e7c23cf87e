import type { RawRow, Vectorizer, ViewLookup } from '#domain/features/apply.ts';
import type { OnnxSession } from '../../infra/onnx/session.ts';

/**
 * Rows that one native call answers together. 256 rows cost some twenty times as much as one: fewer wastes calls under
 * load, more makes the first of them wait for the last.
 */
const batchRows = 256;

type Waiting = {
  readonly from: number;
  readonly rows: number;
  readonly resolve: (answers: Float32Array) => void;
  readonly reject: (error: unknown) => void;
};

export type Batcher = {
  /** Row-major answers for the rows, in their order; computed together with what else arrives in this turn of the loop. */
  answer(rows: readonly RawRow[], lookupOf: (row: RawRow, index: number) => ViewLookup): Promise<Float32Array>;
};

/**
 * Gathers the rows of requests that arrive in one turn of the event loop into one native call. Nobody waits for a timer:
 * with one request at a time its call starts at once. Answers do not depend on the batch (one thread).
 */
export const createBatcher = (session: Pick<OnnxSession, 'run' | 'outputWidth'>, vectorizer: Vectorizer): Batcher => {
  const { width } = vectorizer;
  let matrix: Float32Array = new Float32Array(batchRows * width);
  /** The matrix of a call that is over, for the next: at one request at a time two take turns. */
  let spare: Float32Array | null = null;
  let filled = 0;
  let waiting: Waiting[] = [];

  const flush = (): void => {
    if (waiting.length === 0) return;
    const batch = waiting;
    const rows = filled;
    const full = matrix;
    matrix = spare ?? new Float32Array(batchRows * width);
    spare = null;
    filled = 0;
    waiting = [];
    run(full, rows, batch).catch((error: unknown) => batch.forEach(({ reject }) => reject(error)));
  };

  const run = async (full: Float32Array, rows: number, batch: readonly Waiting[]): Promise<void> => {
    const answers = await session.run(full.subarray(0, rows * width), rows);
    spare = full;
    for (const { from, rows: count, resolve } of batch) {
      resolve(answers.subarray(from * session.outputWidth, (from + count) * session.outputWidth));
    }
  };

  const write = (
    rows: readonly RawRow[],
    lookupOf: (row: RawRow, index: number) => ViewLookup,
    into: Float32Array,
    from: number,
  ): void => {
    rows.forEach((row, index) => vectorizer.apply(row, lookupOf(row, index), into, (from + index) * width));
  };

  return {
    answer: (rows, lookupOf) => {
      if (rows.length >= batchRows) {
        const own = new Float32Array(rows.length * width);
        write(rows, lookupOf, own, 0);
        return session.run(own, rows.length);
      }
      if (filled + rows.length > batchRows) flush();
      if (waiting.length === 0) setImmediate(flush);
      const from = filled;
      write(rows, lookupOf, matrix, from);
      filled += rows.length;
      return new Promise((resolve, reject) => {
        waiting.push({ from, rows: rows.length, resolve, reject });
      });
    },
  };
};
