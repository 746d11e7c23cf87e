/**
 * Counts, sums and means of whole numbers over the past of an entity, by sliding instead of searching: rows come in the
 * order of time, each is added once when it becomes known and taken away once when it leaves the window. Exact, because
 * whole numbers are; several times faster than windows in SQL, whose definition it must equal (test). Memory holds the
 * rows of the widest window.
 */
import { type DuckDBAppender, DuckDBBigIntType, DuckDBDataChunk, DuckDBDoubleType } from '@duckdb/node-api';
import type { Duck } from '../tabular/duckdb.ts';
import { quoteName } from '../tabular/sql.ts';
import type { ExactSum } from './aggregates.ts';
import type { AggregateView } from './view-types.ts';

/** One result: a column of the table `slid`, with the kind of number it is. */
type Output = { readonly column: string; readonly kind: ExactSum['kind']; readonly sum: number };
type FramePlan = {
  readonly entity: readonly string[];
  readonly windowUs: number;
  readonly delayUs: number;
  readonly outputs: Output[];
};
export type SlidePlan = {
  readonly frames: readonly FramePlan[];
  /** What each row adds: whether it counts, and how much. */
  readonly sums: readonly { readonly countSql: string; readonly valueSql: string }[];
  /** SQL of an aggregate's result, by view, value and place of the aggregate in the value. */
  readonly resultSql: ReadonlyMap<string, string>;
};

export const resultName = (view: string, value: string, index: number): string => JSON.stringify([view, value, index]);

/** Cells of one array of accumulators; a wider entity is left to SQL. 4 Mi cells are 32 MiB. */
const mostEntities = 4_194_304;
/** A sum of four million numbers below this is exact as a double; a larger number is left to SQL. */
const tooLarge = 2 ** 31 - 1;

/** Narrow types: what leaves DuckDB is copied, and most of the time goes there. Too large a number becomes the largest. */
const sumSql = (sum: ExactSum): { countSql: string; valueSql: string } => {
  const present = sum.argument === null ? 'true' : `(${sum.argument}) IS NOT NULL`;
  const counts = sum.filter === null ? present : `coalesce((${sum.filter}), false) AND ${present}`;
  const number = `coalesce(TRY_CAST((${sum.argument}) AS INTEGER), ${tooLarge})`;
  return {
    countSql: `CAST((${counts}) AS TINYINT)`,
    valueSql: `CAST(${sum.kind === 'count' ? '0' : `CASE WHEN ${counts} THEN ${number} ELSE 0 END`} AS INTEGER)`,
  };
};

/** The type that the same aggregate has in SQL, so that what is written around it means the same. */
const typedResult = (kind: ExactSum['kind'], column: string): string => {
  if (kind === 'count') return `CAST(slid.${column} AS BIGINT)`;
  const number = `CASE WHEN isnan(slid.${column}) THEN NULL ELSE slid.${column} END`;
  return kind === 'sum' ? `CAST((${number}) AS HUGEINT)` : `(${number})`;
};

/** Plans all values together; null where one of them is no exact sum. */
export const planSlide = (views: readonly Pick<AggregateView, 'name' | 'entity' | 'parts'>[]): SlidePlan | null => {
  const frames = new Map<string, FramePlan>();
  const sums = new Map<string, number>();
  const sqls: { countSql: string; valueSql: string }[] = [];
  const resultSql = new Map<string, string>();
  let columns = 0;
  const sumIndex = (sum: ExactSum): number => {
    const sql = sumSql(sum);
    const name = JSON.stringify(sql);
    const index = sums.get(name) ?? sqls.push(sql) - 1;
    sums.set(name, index);
    return index;
  };
  for (const view of views) {
    for (const part of view.parts) {
      const delayUs = part.delayMs === null ? 1 : part.delayMs * 1000;
      const name = JSON.stringify([view.entity, part.windowMs, delayUs]);
      const frame = frames.get(name) ?? { entity: view.entity, windowUs: part.windowMs * 1000, delayUs, outputs: [] };
      frames.set(name, frame);
      for (const [index, sum] of part.value.sums.entries()) {
        if (sum === null) return null;
        const column = `a${(columns += 1)}`;
        frame.outputs.push({ column, kind: sum.kind, sum: sumIndex(sum) });
        resultSql.set(resultName(view.name, part.value.name, index), typedResult(sum.kind, column));
      }
    }
  }
  return { frames: [...frames.values()], sums: sqls, resultSql };
};

/** Codes of an entity's values as one small number; -1 where a value is missing. null where there are too many. */
const entityCodes = async (db: Duck, entity: readonly string[], rows: string): Promise<{ sql: string; size: number } | null> => {
  let size = 1;
  let sql = '0';
  for (const column of entity) {
    const type = quoteName(`codes of ${column}`);
    const text = `CAST(${quoteName(column)} AS VARCHAR)`;
    const { distinct } = await db.row<{ distinct: number }>(
      `SELECT approx_count_distinct(${quoteName(column)}) AS distinct FROM ${rows}`,
    );
    if (distinct * size > mostEntities / 2) return null;
    await db.run(
      `CREATE OR REPLACE TYPE ${type} AS ENUM (SELECT DISTINCT ${text} FROM ${rows} WHERE ${quoteName(column)} IS NOT NULL ORDER BY 1)`,
    );
    const { count } = await db.row<{ count: number }>(`SELECT len(enum_range(NULL::${type})) AS count`);
    sql = `(${sql}) * ${Math.max(1, count)} + enum_code(CAST(${text} AS ${type}))`;
    size *= Math.max(1, count);
    if (size > mostEntities) return null;
  }
  return { sql: `CAST(coalesce(${sql}, -1) AS INTEGER)`, size };
};

/** Rows of one chunk, kept while a window can see them. Its arrays are used again for a later chunk. */
type Block = {
  rows: number;
  readonly times: Float64Array;
  readonly codes: readonly Int32Array[];
  readonly counts: readonly Int8Array[];
  readonly values: readonly Int32Array[];
};

/** Most rows of a chunk of DuckDB. */
const chunkRows = 2048;

const createBlock = (entities: number, sums: number): Block => ({
  rows: 0,
  times: new Float64Array(chunkRows),
  codes: Array.from({ length: entities }, () => new Int32Array(chunkRows)),
  counts: Array.from({ length: sums }, () => new Int8Array(chunkRows)),
  values: Array.from({ length: sums }, () => new Int32Array(chunkRows)),
});

/** A place in the log of rows. */
type Place = { block: number; row: number };

type FrameState = {
  readonly plan: FramePlan;
  /** Which of a block's codes is this frame's entity. */
  readonly code: number;
  /** The sums it keeps, each once. */
  readonly sums: readonly number[];
  readonly counts: readonly Float64Array[];
  readonly totals: readonly Float64Array[];
  readonly added: Place;
  readonly removed: Place;
};

const createState = (plan: FramePlan, code: number, size: number): FrameState => {
  const sums = [...new Set(plan.outputs.map((output) => output.sum))];
  return {
    plan,
    code,
    sums,
    counts: sums.map(() => new Float64Array(size)),
    totals: sums.map(() => new Float64Array(size)),
    added: { block: 0, row: 0 },
    removed: { block: 0, row: 0 },
  };
};

/** Adds (sign 1) or takes away (sign -1) rows of the log up to a time, and moves the place. */
const move = (
  state: FrameState,
  log: readonly Block[],
  first: number,
  place: Place,
  until: number,
  isIncluded: boolean,
  sign: number,
): void => {
  let { block, row } = place;
  for (;;) {
    const current = log[block - first];
    if (current === undefined) break;
    if (row === current.rows) {
      block += 1;
      row = 0;
      continue;
    }
    const time = current.times[row] as number;
    if (isIncluded ? time > until : time >= until) break;
    const entity = (current.codes[state.code] as Int32Array)[row] as number;
    if (entity >= 0) {
      for (let index = 0; index < state.sums.length; index += 1) {
        const sum = state.sums[index] as number;
        const counts = state.counts[index] as Float64Array;
        const totals = state.totals[index] as Float64Array;
        counts[entity] = (counts[entity] as number) + sign * ((current.counts[sum] as Int8Array)[row] as number);
        totals[entity] = (totals[entity] as number) + sign * ((current.values[sum] as Int32Array)[row] as number);
      }
    }
    row += 1;
  }
  place.block = block;
  place.row = row;
};

const resultOf = (kind: ExactSum['kind'], count: number, total: number): number => {
  if (kind === 'count') return count;
  if (count === 0) return Number.NaN;
  return kind === 'sum' ? total : total / count;
};

/** Results of one frame for the newest block. */
const slideBlock = (state: FrameState, log: readonly Block[], first: number, into: readonly Float64Array[]): void => {
  const block = log.at(-1) as Block;
  const codes = block.codes[state.code] as Int32Array;
  const { windowUs, delayUs, outputs } = state.plan;
  const places = outputs.map((output) => state.sums.indexOf(output.sum));
  for (let row = 0; row < block.rows; row += 1) {
    const time = block.times[row] as number;
    move(state, log, first, state.added, time - delayUs, true, 1);
    move(state, log, first, state.removed, time - windowUs, false, -1);
    const entity = codes[row] as number;
    for (let output = 0; output < outputs.length; output += 1) {
      const place = places[output] as number;
      const count = entity < 0 ? 0 : ((state.counts[place] as Float64Array)[entity] as number);
      const total = entity < 0 ? 0 : ((state.totals[place] as Float64Array)[entity] as number);
      (into[output] as Float64Array)[row] = resultOf((outputs[output] as Output).kind, count, total);
    }
  }
};

type Items<Numbers> = { items: Numbers; flush(): void };

const isOrdered = ({ times, rows }: Block, before: number): boolean => {
  let last = before;
  for (let row = 0; row < rows; row += 1) {
    if ((times[row] as number) < last) return false;
    last = times[row] as number;
  }
  return true;
};

const appendBlock = (appender: DuckDBAppender, rowIds: BigInt64Array, results: readonly Float64Array[]): void => {
  const types = [DuckDBBigIntType.instance, ...results.map(() => DuckDBDoubleType.instance)];
  const chunk = DuckDBDataChunk.create(types, rowIds.length);
  const rowColumn = chunk.getColumnVector(0) as unknown as Items<BigInt64Array>;
  rowColumn.items.set(rowIds);
  rowColumn.flush();
  results.forEach((numbers, index) => {
    const column = chunk.getColumnVector(index + 1) as unknown as Items<Float64Array>;
    column.items.set(numbers.subarray(0, rowIds.length));
    column.flush();
  });
  appender.appendDataChunk(chunk);
};

type Reading = { readonly sql: string; readonly states: FrameState[]; readonly entities: number };

const planReading = async (db: Duck, plan: SlidePlan, rows: string, eventTime: string): Promise<Reading | null> => {
  const entities = new Map<string, { index: number; sql: string; size: number }>();
  const states: FrameState[] = [];
  for (const frame of plan.frames) {
    const name = JSON.stringify(frame.entity);
    let known = entities.get(name);
    if (known === undefined) {
      const codes = await entityCodes(db, frame.entity, rows);
      if (codes === null) return null;
      known = { index: entities.size, ...codes };
      entities.set(name, known);
    }
    states.push(createState(frame, known.index, known.size));
  }
  const columns = [
    '_row',
    `CAST(epoch_us(${quoteName(eventTime)}) AS DOUBLE)`,
    ...[...entities.values()].map((each) => each.sql),
    ...plan.sums.flatMap((sum) => [sum.countSql, sum.valueSql]),
  ];
  return { sql: `SELECT ${columns.join(', ')} FROM ${rows} AS events`, states, entities: entities.size };
};

/** Copies a chunk: DuckDB's own memory is used again, and a window may still see these rows. */
const fillBlock = (block: Block, chunk: { readonly rowCount: number; getColumnVector(index: number): unknown }): void => {
  const items = (index: number) => (chunk.getColumnVector(index) as Items<ArrayLike<number>>).items;
  const entities = block.codes.length;
  block.rows = chunk.rowCount;
  block.times.set(items(1));
  block.codes.forEach((codes, index) => codes.set(items(2 + index)));
  block.counts.forEach((counts, index) => counts.set(items(2 + entities + 2 * index)));
  block.values.forEach((values, index) => values.set(items(3 + entities + 2 * index)));
};

const isSmall = ({ values, rows }: Block): boolean =>
  values.every((numbers) => numbers.indexOf(tooLarge) < 0 || numbers.indexOf(tooLarge) >= rows);

/** Takes the blocks that no window sees any more out of the log; returns the number of the first that is left. */
const forget = (log: Block[], first: number, states: readonly FrameState[], free: Block[]): number => {
  const needed = Math.min(...states.map((state) => state.removed.block));
  if (needed > first) free.push(...log.splice(0, needed - first));
  return Math.max(first, needed);
};

/**
 * Computes all results into a temporary table `slid`, one row for each row of the relation and in its order, `_row`
 * included. False where SQL has to do it: rows not in the order of time, too many entities, numbers too large.
 */
export const slide = async (db: Duck, plan: SlidePlan, rows: string, eventTime: string): Promise<boolean> => {
  const reading = await planReading(db, plan, rows, eventTime);
  if (reading === null) return false;
  const columns = plan.frames.flatMap((frame) => frame.outputs.map((output) => `${output.column} DOUBLE`));
  await db.run(`CREATE OR REPLACE TABLE slid (_row BIGINT, ${columns.join(', ')})`);
  const writing = await db.another();
  const appender = await writing.connection.createAppender('slid');
  try {
    return await slideAll(db, plan, reading, appender);
  } finally {
    appender.closeSync();
  }
};

const slideAll = async (
  db: Duck,
  plan: SlidePlan,
  { sql, states, entities }: Reading,
  appender: DuckDBAppender,
): Promise<boolean> => {
  const log: Block[] = [];
  const free: Block[] = [];
  const sums = plan.sums.length;
  const results = states.map((state) => state.plan.outputs.map(() => new Float64Array(chunkRows)));
  let first = 0;
  let newest = Number.NEGATIVE_INFINITY;
  const result = await db.connection.stream(sql);
  for (let chunk = await result.fetchChunk(); chunk !== null && chunk.rowCount > 0; chunk = await result.fetchChunk()) {
    const block = free.pop() ?? createBlock(entities, sums);
    fillBlock(block, chunk);
    if (!isOrdered(block, newest) || !isSmall(block)) return false;
    newest = block.times[block.rows - 1] as number;
    log.push(block);
    for (const [index, state] of states.entries()) slideBlock(state, log, first, results[index] as Float64Array[]);
    appendBlock(appender, (chunk.getColumnVector(0) as unknown as Items<BigInt64Array>).items, results.flat());
    first = forget(log, first, states, free);
  }
  return true;
};
