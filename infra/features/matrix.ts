/** Rows of DuckDB to vectors, chunk by chunk, through the very function that serves. */
import type { DatasetSchema } from '#domain/contracts/dataset.ts';
import type { Slot, Vectorizer } from '#domain/features/apply.ts';
import type { RawValue } from '#domain/features/category.ts';
import type { Duck } from '../tabular/duckdb.ts';
import { quoteName } from '../tabular/sql.ts';
import { createNpyWriter } from './npy.ts';
import { viewColumn } from './views.ts';

export type MatrixFiles = { readonly features: string; readonly labels: string };
export type MatrixInput = {
  /** Relation with the raw columns, `view.value` columns, `_label` and `_fold`, in the order to keep. */
  readonly relation: string;
  readonly rows: number;
  /** One for each fold, or one for all. */
  readonly vectorizers: readonly Vectorizer[];
  readonly schema: DatasetSchema;
  /** View values that are texts, as `view.value`. */
  readonly textValues: ReadonlySet<string>;
  readonly files: MatrixFiles;
  /** About this many rows are kept in memory for the leakage guard, evenly spread; 0 keeps none. */
  readonly sampleRows: number;
  readonly onRows?: (rows: number) => void;
};

export type MatrixSample = { readonly rows: number; readonly vectors: Float32Array; readonly labels: Float32Array };

/** Above this a dictionary costs more than it saves, and the texts are read one by one. */
const largestDictionary = 65_000;

const dictionaryName = (column: string): string => quoteName(`dictionary of ${column}`);

/** Texts come out of DuckDB as small numbers with a dictionary: reading three million of them one by one takes seconds. */
const createDictionary = async (db: Duck, relation: string, column: string): Promise<boolean> => {
  const { distinct } = await db.row<{ distinct: number }>(
    `SELECT approx_count_distinct(${quoteName(column)}) AS distinct FROM ${relation}`,
  );
  if (distinct > largestDictionary) return false;
  await db.run(
    `CREATE OR REPLACE TYPE ${dictionaryName(column)} AS ENUM (SELECT DISTINCT ${quoteName(column)} FROM ${relation} WHERE ${quoteName(column)} IS NOT NULL ORDER BY 1)`,
  );
  return true;
};

const typeOfSlot = (slot: Slot, schema: DatasetSchema, textValues: ReadonlySet<string>): string => {
  if (slot.kind === 'view') return textValues.has(viewColumn(slot.view, slot.value)) ? 'category' : 'number';
  return schema.columns.find((column) => column.name === slot.column)?.type ?? 'number';
};

const slotSql = async (db: Duck, input: MatrixInput, slot: Slot): Promise<string> => {
  const name = slot.kind === 'view' ? viewColumn(slot.view, slot.value) : slot.column;
  switch (typeOfSlot(slot, input.schema, input.textValues)) {
    case 'integer':
    case 'number':
      return `CAST(${quoteName(name)} AS DOUBLE)`;
    case 'timestamp':
      return `CAST(epoch_ms(${quoteName(name)}) AS DOUBLE)`;
    case 'boolean':
      return quoteName(name);
    default:
      return (await createDictionary(db, input.relation, name))
        ? `CAST(${quoteName(name)} AS ${dictionaryName(name)})`
        : quoteName(name);
  }
};

type Column = { getItem(index: number): unknown };

/** Writes one chunk's vectors and labels. */
const fillChunk = (
  columns: readonly Column[],
  rows: number,
  vectorizers: readonly Vectorizer[],
  vectors: Float32Array,
  labels: Float32Array,
): void => {
  const slotCount = columns.length - 2;
  const values: RawValue[] = new Array(slotCount);
  const [first] = vectorizers as [Vectorizer];
  const labelColumn = columns[slotCount] as Column;
  const foldColumn = columns[slotCount + 1] as Column;
  for (let row = 0; row < rows; row += 1) {
    for (let slot = 0; slot < slotCount; slot += 1) values[slot] = (columns[slot] as Column).getItem(row) as RawValue;
    const fold = vectorizers.length === 1 ? 0 : (foldColumn.getItem(row) as number);
    (vectorizers[fold] as Vectorizer).applySlots(values, vectors, row * first.width);
    labels[row] = labelColumn.getItem(row) as number;
  }
};

const createSampler = (rows: number, wanted: number, width: number) => {
  const stride = wanted === 0 ? Number.POSITIVE_INFINITY : Math.max(1, Math.ceil(rows / wanted));
  const size = wanted === 0 ? 0 : Math.ceil(rows / stride);
  const sample = { rows: size, vectors: new Float32Array(size * width), labels: new Float32Array(size) };
  let seen = 0;
  let kept = 0;
  const take = (vectors: Float32Array, labels: Float32Array, count: number): void => {
    for (let row = 0; row < count; row += 1, seen += 1) {
      if (seen % stride !== 0) continue;
      sample.vectors.set(vectors.subarray(row * width, (row + 1) * width), kept * width);
      sample.labels[kept] = labels[row] as number;
      kept += 1;
    }
  };
  return { sample, take: wanted === 0 ? () => {} : take };
};

/** Rows of one chunk of DuckDB. */
const chunkRows = 2048;

/** Streams a relation into two .npy files; memory stays at one chunk and the sample. */
export const writeMatrix = async (db: Duck, input: MatrixInput): Promise<MatrixSample> => {
  const { vectorizers, rows } = input;
  const [{ width, slots }] = vectorizers as [Vectorizer];
  const selected: string[] = [];
  for (const slot of slots) selected.push(await slotSql(db, input, slot));
  const features = await createNpyWriter(input.files.features, [rows, width]);
  const labelFile = await createNpyWriter(input.files.labels, [rows]);
  const vectors = new Float32Array(chunkRows * width);
  const labels = new Float32Array(chunkRows);
  const { sample, take } = createSampler(rows, input.sampleRows, width);
  const result = await db.connection.stream(`SELECT ${[...selected, '_label', '_fold'].join(', ')} FROM ${input.relation}`);
  let done = 0;
  for (let chunk = await result.fetchChunk(); chunk !== null && chunk.rowCount > 0; chunk = await result.fetchChunk()) {
    const count = chunk.rowCount;
    const columns = Array.from({ length: chunk.columnCount }, (_, index) =>
      (chunk as NonNullable<typeof chunk>).getColumnVector(index),
    );
    fillChunk(columns, count, vectorizers, vectors, labels);
    take(vectors, labels, count);
    await features.write(vectors.subarray(0, count * width));
    await labelFile.write(labels.subarray(0, count));
    done += count;
    input.onRows?.(done);
  }
  await features.close();
  await labelFile.close();
  return sample;
};
