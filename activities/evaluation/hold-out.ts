/** The hold-out as it was frozen: rows as they came, from which any model's vectors can be made. */
import type { FeatureSet } from '#domain/contracts/feature-set.ts';
import { PerennialError } from '#domain/errors.ts';
import { createVectorizer, type Slot } from '#domain/features/apply.ts';
import type { RawValue } from '#domain/features/category.ts';
import type { Sha256 } from '#domain/units.ts';
import type { OnnxSession } from '../../infra/onnx/session.ts';
import type { Duck } from '../../infra/tabular/duckdb.ts';
import { parquetOf, quoteName } from '../../infra/tabular/sql.ts';

export type RawHoldout = { readonly relation: string; readonly types: ReadonlyMap<string, string> };

export const openHoldout = async (db: Duck, file: string): Promise<RawHoldout> => {
  const relation = parquetOf([file]);
  const columns = await db.rows<{ column_name: string; column_type: string }>(`DESCRIBE SELECT * FROM ${relation}`);
  return { relation, types: new Map(columns.map((column) => [column.column_name, column.column_type])) };
};

type Model = { readonly featureSet: FeatureSet; readonly featureSetSha256: Sha256; readonly who: string };

/** A view that was declared anew since stands under the model's own meaning with its digest behind the name (see `features.ts`). */
const columnOf = (slot: Slot, model: Model, holdout: RawHoldout): string | undefined => {
  const names =
    slot.kind === 'column'
      ? [slot.column]
      : [`${slot.view}@${model.featureSetSha256.slice(0, 12)}.${slot.value}`, `${slot.view}.${slot.value}`];
  return names.find((name) => holdout.types.has(name));
};

/** As the vectorizer takes values: numbers as doubles, instants as epoch milliseconds, everything else as it is. */
const slotSql = (name: string, type: string): string => {
  const column = quoteName(name);
  if (/^(TIMESTAMP|DATE)/.test(type)) return `CAST(epoch_ms(CAST(${column} AS TIMESTAMP)) AS DOUBLE)`;
  if (type === 'BOOLEAN') return column;
  return /^(VARCHAR|ENUM)/.test(type) ? `CAST(${column} AS VARCHAR)` : `CAST(${column} AS DOUBLE)`;
};

const selectSlots = (slots: readonly Slot[], model: Model, holdout: RawHoldout): string => {
  const selected = slots.map((slot) => {
    const name = columnOf(slot, model, holdout);
    if (name !== undefined) return slotSql(name, holdout.types.get(name) as string);
    const wanted = slot.kind === 'column' ? `column "${slot.column}"` : `value "${slot.value}" of view "${slot.view}"`;
    throw new PerennialError(
      'PRN_EVALUATION',
      `Cannot score ${model.who} as the hold-out must have its ${wanted}: it has not; keep it declared until another champion serves`,
      { details: { slot } },
    );
  });
  return `SELECT ${[...selected, '_row'].join(', ')} FROM ${holdout.relation} ORDER BY _row`;
};

/**
 * A model's answers for the hold-out, row-major `[n, width]`, through its own feature set: the vectors that the server
 * would make of these rows. Memory stays at one chunk beside the answers.
 */
export const scoreRawRows = async (
  db: Duck,
  holdout: RawHoldout,
  model: Model & { readonly session: OnnxSession },
  rows: number,
  onRows: (done: number) => void,
): Promise<Float32Array> => {
  const { session } = model;
  const vectorizer = createVectorizer(model.featureSet);
  const answers = new Float32Array(rows * session.outputWidth);
  const values: RawValue[] = new Array(vectorizer.slots.length);
  const result = await db.connection.stream(selectSlots(vectorizer.slots, model, holdout));
  let done = 0;
  for (let chunk = await result.fetchChunk(); chunk !== null && chunk.rowCount > 0; chunk = await result.fetchChunk()) {
    const count = chunk.rowCount;
    const columns = vectorizer.slots.map((_, index) => (chunk as NonNullable<typeof chunk>).getColumnVector(index));
    const matrix = new Float32Array(count * vectorizer.width);
    for (let row = 0; row < count; row++) {
      for (let slot = 0; slot < columns.length; slot++) values[slot] = columns[slot]?.getItem(row) as RawValue;
      vectorizer.applySlots(values, matrix, row * vectorizer.width);
    }
    answers.set(await session.run(matrix, count), done * session.outputWidth);
    done += count;
    onRows(done);
  }
  if (done !== rows)
    throw new PerennialError('PRN_EVALUATION', `Cannot score ${model.who} on ${rows} rows: the hold-out holds ${done}`);
  return answers;
};

export type SliceRows = { readonly by: string; readonly value: string; readonly rows: Uint32Array };

/** What a row without a value is called. */
const missingValue = '(missing)';

/** Row numbers of the most frequent values of a column, the most frequent first. Throws PRN_EVALUATION for an unknown column. */
export const readSlices = async (db: Duck, holdout: RawHoldout, by: string, top: number): Promise<SliceRows[]> => {
  if (!holdout.types.has(by)) {
    throw new PerennialError(
      'PRN_EVALUATION',
      `Cannot slice the hold-out by "${by}" as it must be a column of the data: it is not`,
    );
  }
  const text = `coalesce(CAST(${quoteName(by)} AS VARCHAR), '${missingValue}')`;
  const ranked = await db.rows<{ value: string; rows: number }>(
    `SELECT ${text} AS value, count(*) AS rows FROM ${holdout.relation} GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT ${top}`,
  );
  const places = new Map(ranked.map(({ value }, place) => [value, place]));
  const found = ranked.map(({ rows }) => ({ rows: new Uint32Array(rows), filled: 0 }));
  const result = await db.connection.stream(`SELECT ${text}, CAST(_row AS DOUBLE) FROM ${holdout.relation} ORDER BY _row`);
  for (let chunk = await result.fetchChunk(); chunk !== null && chunk.rowCount > 0; chunk = await result.fetchChunk()) {
    const [values, rows] = [chunk.getColumnVector(0), chunk.getColumnVector(1)];
    for (let row = 0; row < chunk.rowCount; row++) {
      const slice = found[places.get(values.getItem(row) as string) ?? -1];
      if (slice !== undefined) slice.rows[slice.filled++] = rows.getItem(row) as number;
    }
  }
  return ranked.map(({ value }, place) => ({ by, value, rows: found[place]?.rows ?? new Uint32Array() }));
};
