/** One wrapper around onnxruntime: evaluation and serving answer through the same code, on the same number of threads. */
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { PerennialError } from '#domain/errors.ts';
import { chooseOutput, describeInputs, type InputLayout, type TensorInfo, tensorOutputs } from './signature.ts';

/** Rows in one native call: enough to pay for the call, and 8 MB at 256 features. Fewer is slower, more only takes memory. */
const batchRows = 8192;

export type OnnxSession = {
  readonly inputs: readonly TensorInfo[];
  /** All tensor outputs; sequences and maps (ZipMap) are dropped. */
  readonly outputs: readonly TensorInfo[];
  /** The output that `run` answers with. */
  readonly output: TensorInfo;
  /** Features in one row; null where the file leaves it open. */
  readonly inputWidth: number | null;
  /** Numbers in one answer: the classes, or 1 for a positive probability or a value. */
  readonly outputWidth: number;
  /**
   * Answers for a row-major matrix `[rows, k]`, NaN for missing values, as a row-major `[rows, outputWidth]`.
   * Blocks the thread while the runtime works. No rows, no answers. The matrix is kept unchanged.
   */
  run(matrix: Float32Array, rows: number): Promise<Float32Array>;
  /** Frees the native memory; a second call does nothing. */
  release(): Promise<void>;
};

/**
 * Loads a model from bytes, so that no path inside it is ever resolved, and asks it one row of zeros for its answer's width.
 * One thread by default: sums of trees differ in their last bits between one thread and two.
 * Throws PRN_MODEL_REFUSED for a file that the runtime cannot load, or whose inputs or outputs have another form.
 */
export const openSession = async (bytes: Uint8Array, options: { readonly threads?: number } = {}): Promise<OnnxSession> => {
  const native = await load(bytes, options.threads ?? 1);
  try {
    return await describe(native);
  } catch (error) {
    await native.release();
    throw error;
  }
};

const load = async (bytes: Uint8Array, threads: number): Promise<InferenceSession> => {
  try {
    return await InferenceSession.create(bytes, {
      executionProviders: ['cpu'],
      intraOpNumThreads: threads,
      interOpNumThreads: 1,
      executionMode: 'sequential',
      logSeverityLevel: 3,
    });
  } catch (cause) {
    throw refused(`Cannot load model as the runtime refuses it: ${messageOf(cause)}`, cause);
  }
};

const describe = async (native: InferenceSession): Promise<OnnxSession> => {
  const layout = describeInputs(native.inputMetadata);
  const outputs = tensorOutputs(native.outputMetadata);
  const output = chooseOutput(outputs);
  const fetches = [output.name];
  const answer = (matrix: Float32Array, rows: number, width: number) => runOnce(native, layout, fetches, matrix, rows, width);

  const probeWidth = layout.width ?? 1;
  const probeRows = layout.fixedRows ?? 1;
  const probe = layout.width === null ? null : await answer(new Float32Array(probeWidth * probeRows), probeRows, probeWidth);
  const outputWidth = probe === null ? staticWidth(output) : probe.length / probeRows;
  let released = false;
  return {
    inputs: layout.inputs,
    outputs,
    output,
    inputWidth: layout.width,
    outputWidth,
    run: (matrix, rows) => {
      if (released) throw refused('Cannot run model as its session was released');
      return runBatches(answer, layout, outputWidth, matrix, rows);
    },
    release: async () => {
      if (released) return;
      released = true;
      await native.release();
    },
  };
};

/** For a matrix of open width there is nothing to probe with: the file must then state the width of its answer. */
const staticWidth = (output: TensorInfo): number => {
  const last = output.shape.length < 2 ? 1 : output.shape.at(-1);
  if (typeof last === 'number' && last > 0) return last;
  throw refused(`Cannot use model as neither its input nor its output "${output.name}" states a width`);
};

type Answer = (matrix: Float32Array, rows: number, width: number) => Promise<Float32Array>;

const runBatches = async (
  answer: Answer,
  layout: InputLayout,
  outputWidth: number,
  matrix: Float32Array,
  rows: number,
): Promise<Float32Array> => {
  const width = rows === 0 ? (layout.width ?? 0) : matrix.length / rows;
  if (!Number.isInteger(width) || (layout.width !== null && width !== layout.width)) {
    throw refused(
      `Cannot run model on ${rows} rows as each must have ${layout.width ?? 'whole'} features: matrix holds ${matrix.length} numbers`,
    );
  }
  const answers = new Float32Array(rows * outputWidth);
  const size = layout.fixedRows ?? batchRows;
  for (let from = 0; from < rows; from += size) {
    const to = Math.min(rows, from + size);
    const batch = matrix.subarray(from * width, to * width);
    const full = layout.fixedRows === null ? batch : padded(batch, layout.fixedRows * width);
    const part = await answer(full, layout.fixedRows ?? to - from, width);
    answers.set(part.subarray(0, (to - from) * outputWidth), from * outputWidth);
  }
  return answers;
};

/** A file with a fixed number of rows gets the last batch filled up with zeros. */
const padded = (batch: Float32Array, length: number): Float32Array => {
  if (batch.length === length) return batch;
  const full = new Float32Array(length);
  full.set(batch);
  return full;
};

const runOnce = async (
  native: InferenceSession,
  layout: InputLayout,
  fetches: readonly string[],
  matrix: Float32Array,
  rows: number,
  width: number,
): Promise<Float32Array> => {
  try {
    const results = await native.run(layout.feeds(matrix, rows, width), fetches);
    const tensor = results[fetches[0] as string];
    if (!(tensor instanceof Tensor)) throw new Error(`output "${fetches[0]}" is not a tensor`);
    const data = tensor.data;
    if (data.length === 0 || data.length % rows !== 0) {
      throw new Error(`output "${fetches[0]}" has ${data.length} numbers for ${rows} rows`);
    }
    return data instanceof Float32Array ? data : Float32Array.from(data as Float64Array);
  } catch (cause) {
    throw refused(`Cannot run model on ${rows} rows of ${width} features: ${messageOf(cause)}`, cause);
  }
};

const messageOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause));
const refused = (message: string, cause?: unknown): PerennialError => new PerennialError('PRN_MODEL_REFUSED', message, { cause });
