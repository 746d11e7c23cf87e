/** What an ONNX file takes and gives, read from the runtime's own description of it. */
import { type InferenceSession, Tensor } from 'onnxruntime-node';
import { PerennialError } from '#domain/errors.ts';

/** A dimension is a number, or a name (such as "N") where it is open. */
export type TensorInfo = { readonly name: string; readonly type: string; readonly shape: (number | string)[] };

/** How one row-major matrix becomes the feeds of a model. */
export type InputLayout = {
  readonly inputs: readonly TensorInfo[];
  readonly width: number | null;
  /** Where the file fixes its first dimension. */
  readonly fixedRows: number | null;
  readonly feeds: (matrix: Float32Array, rows: number, width: number) => Record<string, Tensor>;
};

type Metadata = readonly InferenceSession.ValueMetadata[];

const refused = (message: string): PerennialError => new PerennialError('PRN_MODEL_REFUSED', message);

const tensorInfo = (metadata: InferenceSession.TensorValueMetadata): TensorInfo => ({
  name: metadata.name,
  type: metadata.type,
  shape: metadata.shape.map((dimension) => (typeof dimension === 'number' && dimension < 0 ? '' : dimension)),
});

const isFixed = (dimension: number | string | undefined): dimension is number => typeof dimension === 'number' && dimension > 0;

/** A single `[n, k]` float matrix, or one `[n]` or `[n, 1]` tensor a feature in the order of the file (imported models). */
export const describeInputs = (metadata: Metadata): InputLayout => {
  const inputs = metadata.map((input) => {
    if (!input.isTensor) throw refused(`Cannot use model as its input "${input.name}" is not a tensor`);
    return tensorInfo(input);
  });
  const [first] = inputs;
  if (first === undefined) throw refused('Cannot use model as it has no inputs');
  const fixedRows = isFixed(first.shape[0]) ? first.shape[0] : null;
  return inputs.length === 1 ? matrixLayout(first, fixedRows) : columnLayout(inputs, fixedRows);
};

const matrixLayout = (input: TensorInfo, fixedRows: number | null): InputLayout => {
  if (input.shape.length > 2 || input.shape.length === 0) {
    const found = input.shape.length === 0 ? 'it states no shape' : `it has ${input.shape.length} dimensions`;
    throw refused(`Cannot use model as its input "${input.name}" must be [n, k]: ${found}`);
  }
  const columns = input.shape.length === 2 ? input.shape[1] : 1;
  const convert = converter(input);
  return {
    inputs: [input],
    width: isFixed(columns) ? columns : null,
    fixedRows,
    feeds: (matrix, rows, width) => ({ [input.name]: convert(matrix, input.shape.length === 1 ? [rows] : [rows, width]) }),
  };
};

const columnLayout = (inputs: readonly TensorInfo[], fixedRows: number | null): InputLayout => {
  const wide = inputs.find((input) => input.shape.length > 2 || (input.shape.length === 2 && input.shape[1] !== 1));
  if (wide !== undefined) {
    throw refused(
      `Cannot use model as each of its ${inputs.length} inputs must be [n, 1]: "${wide.name}" is [${wide.shape.join(', ')}]`,
    );
  }
  const converters = inputs.map(converter);
  return {
    inputs,
    width: inputs.length,
    fixedRows,
    feeds: (matrix, rows, width) =>
      Object.fromEntries(
        inputs.map((input, index) => {
          const column = Float32Array.from({ length: rows }, (_, row) => matrix[row * width + index] as number);
          const convert = converters[index] as ReturnType<typeof converter>;
          return [input.name, convert(column, input.shape.length === 1 ? [rows] : [rows, 1])];
        }),
      ),
  };
};

/** Number types that a float32 feature can be turned into. float16 inputs do not work in the runtime. */
const converter = (input: TensorInfo): ((data: Float32Array, shape: number[]) => Tensor) => {
  if (input.type === 'float32') return (data, shape) => new Tensor('float32', data, shape);
  if (input.type === 'float64') return (data, shape) => new Tensor('float64', Float64Array.from(data), shape);
  if (input.type === 'int64') return (data, shape) => new Tensor('int64', wholeNumbers(input.name, data), shape);
  throw refused(`Cannot use model as its input "${input.name}" must be float32, float64 or int64: it is ${input.type}`);
};

const wholeNumbers = (name: string, data: Float32Array): BigInt64Array =>
  BigInt64Array.from(data, (value) => {
    if (!Number.isInteger(value)) throw new RangeError(`input "${name}" takes whole numbers: got ${value}`);
    return BigInt(value);
  });

/** Tensor outputs; a map or sequence would make the runtime throw when it is fetched. */
export const tensorOutputs = (metadata: Metadata): TensorInfo[] =>
  metadata.filter((output) => output.isTensor).map((output) => tensorInfo(output));

/**
 * The output that answers: of the float tensors, one named for probabilities, else one with two or more columns,
 * else the first. Class labels (int64, string) are not answers. Throws PRN_MODEL_REFUSED where there is none.
 */
export const chooseOutput = (outputs: readonly TensorInfo[]): TensorInfo => {
  const floats = outputs.filter((output) => output.type === 'float32' || output.type === 'float64');
  const tooDeep = (output: TensorInfo) => output.shape.length > 2;
  const usable = floats.filter((output) => !tooDeep(output));
  const chosen =
    usable.find((output) => /prob/i.test(output.name)) ??
    usable.find((output) => isFixed(output.shape[1]) && output.shape[1] >= 2) ??
    usable[0];
  if (chosen !== undefined) return chosen;
  const found = outputs.map((output) => `"${output.name}" ${output.type}[${output.shape.join(', ')}]`).join(', ');
  throw refused(`Cannot use model as one output must be a float tensor [n], [n, 1] or [n, classes]: found ${found || 'none'}`);
};
