/** Reads the matrix and puts its columns on one scale, in float32 steps that the exported graph repeats exactly. */
import { readNpy } from '../../../infra/features/npy.ts';
import { BadJob } from './job.ts';

export type Scaled = {
  /** Row-major `[rows, columns]`, standardised; missing values are 0, which is their column's mean. */
  readonly values: Float32Array;
  readonly rows: number;
  readonly columns: number;
  readonly means: Float32Array;
  readonly scales: Float32Array;
};

type Moments = { readonly means: Float32Array; readonly scales: Float32Array };

/** Two passes over the columns, missing values left out. A constant or empty column gets scale 1. */
const measure = (values: Float32Array, rows: number, columns: number): Moments => {
  const counts = new Float64Array(columns);
  const sums = new Float64Array(columns);
  const squares = new Float64Array(columns);
  for (let at = 0, row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++, at++) {
      const value = values[at] as number;
      if (value !== value) continue;
      (counts[column] as number)++;
      (sums[column] as number) += value;
    }
  }
  const means = Float32Array.from(sums, (sum, column) => sum / Math.max(1, counts[column] as number));
  for (let at = 0, row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++, at++) {
      const distance = (values[at] as number) - (means[column] as number);
      if (distance === distance) (squares[column] as number) += distance * distance;
    }
  }
  const scales = Float32Array.from(squares, (sum, column) => Math.sqrt(sum / Math.max(1, counts[column] as number)) || 1);
  return { means, scales };
};

const refuseInfinity = (moments: Moments, names: readonly string[]): void => {
  const column = names.findIndex(
    (_, index) => !Number.isFinite((moments.means[index] as number) + (moments.scales[index] as number)),
  );
  if (column !== -1) throw new BadJob(`Cannot train on column "${names[column]}" as it must be finite: it holds infinity`);
};

/** Standardises in place: (x - mean) / scale, each step rounded to float32. */
const scaleInPlace = (values: Float32Array, rows: number, columns: number, { means, scales }: Moments): void => {
  for (let at = 0, row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++, at++) {
      const centred = Math.fround((values[at] as number) - (means[column] as number));
      values[at] = centred === centred ? centred / (scales[column] as number) : 0;
    }
  }
};

/** Rows whose answers are handed over for comparison: some with missing values first, then evenly spread; ascending. */
export const chooseParityRows = (values: Float32Array, rows: number, columns: number): number[] => {
  const chosen = new Set<number>();
  for (let at = 0; at < values.length && chosen.size < 32; at++) {
    if (Number.isNaN(values[at])) chosen.add(Math.floor(at / columns));
  }
  const spread = Math.min(rows, 224);
  for (let index = 0; index < spread; index++) chosen.add(Math.floor((index * rows) / spread));
  return [...chosen].sort((a, b) => a - b);
};

export type TrainingData = { readonly scaled: Scaled; readonly parityRows: number[] };

export const readFeatures = async (file: string, rows: number, names: readonly string[]): Promise<TrainingData> => {
  const matrix = await readNpy(file);
  if (matrix.rows !== rows || matrix.columns !== names.length || rows === 0) {
    throw new BadJob(`Cannot train on a matrix of ${matrix.rows} x ${matrix.columns} as the job says ${rows} x ${names.length}`);
  }
  const { data } = matrix;
  const parityRows = chooseParityRows(data, rows, names.length);
  const moments = measure(data, rows, names.length);
  refuseInfinity(moments, names);
  scaleInPlace(data, rows, names.length, moments);
  return { scaled: { values: data, rows, columns: names.length, ...moments }, parityRows };
};

/** Labels `[rows]`: class indices from 0, or finite values where `classes` is 0. */
export const readLabels = async (file: string, rows: number, classes: number): Promise<Float32Array> => {
  const { data } = await readNpy(file);
  if (data.length !== rows) throw new BadJob(`Cannot train as ${rows} rows need as many labels: there are ${data.length}`);
  const wrong = data.findIndex((label) =>
    classes === 0 ? !Number.isFinite(label) : !(Number.isInteger(label) && label >= 0 && label < classes),
  );
  if (wrong === -1) return data;
  const must = classes === 0 ? 'finite' : `a class index below ${classes}`;
  throw new BadJob(`Cannot train as a label must be ${must}: row ${wrong} has ${data[wrong]}`);
};
