/**
 * The proof that a user's SQL sees no future: its values are computed again on the data as it was known at an instant T,
 * and must be the same for every row before T. A cut by event time alone would miss a view that ignores the label's
 * delay, so what was not known yet at T is emptied too.
 */

import type { DatasetSchema } from '#domain/contracts/dataset.ts';
import type { FeatureFrame } from '#domain/contracts/feature-set.ts';
import { PerennialError } from '#domain/errors.ts';
import type { Instant } from '#domain/units.ts';
import { sha256Of } from '../objects/digest.ts';
import type { Duck } from '../tabular/duckdb.ts';
import { quoteName } from '../tabular/sql.ts';
import { sourceRelation } from './snapshot.ts';
import { joinSql, type Reading, readAll } from './sql-view.ts';
import { describeQuery } from './syntax.ts';
import type { SqlView } from './view-types.ts';

export type TruncationProof = FeatureFrame['truncationProof'][number];
export type ProofScope = { readonly schema: DatasetSchema; readonly eventTime: string; readonly sources: readonly string[] };

/** Values differ from here on, against the greater of 1 and the value itself. */
const tolerance = 1e-9;
/** Cuts by the share of rows before them; jittered by the seed, so that no view can be written around them. */
const shares = [0.25, 0.5, 0.7, 0.85] as const;

const instantOf = (epochMs: number): Instant => new Date(epochMs).toISOString() as Instant;
const sqlInstant = (epochMs: number): string => `TIMESTAMP '${instantOf(epochMs).replace('T', ' ').replace('Z', '')}'`;

/** Numbers in [0, 1) out of a text: 32 bits of its digest each. */
const fractionsOf = (seed: string, count: number): number[] => {
  const digest = sha256Of(seed);
  return Array.from({ length: count }, (_, index) => Number.parseInt(digest.slice(index * 8, index * 8 + 8), 16) / 2 ** 32);
};

/**
 * At least five instants. The last lies within the label's delay of the newest row, where a view that ignores the delay
 * shows most. Two are instants of rows, so that "before" against "at" is tried; the others lie anywhere.
 */
const chooseCuts = async (db: Duck, view: SqlView, scope: ProofScope): Promise<number[]> => {
  const fractions = fractionsOf(`${view.name}\n${view.body}`, shares.length + 1);
  const asked = shares.map((share, index) => Math.min(0.98, share + ((fractions[index] as number) - 0.5) * 0.2));
  const time = `epoch_ms(${quoteName(scope.eventTime)})`;
  const { cuts, newest } = await db.row<{ cuts: number[]; newest: number }>(
    `SELECT quantile_disc(${time}, [${asked.join(', ')}]) AS cuts, max(${time}) AS newest FROM snapshot`,
  );
  const within = Math.max(1, Math.floor(scope.schema.labelKnownAfterMs * (fractions[shares.length] as number)));
  // Beside a row's instant as well as on it.
  const spread = cuts.map((cut, index) => cut + (index % 2));
  return [...new Set([...spread, newest, newest - within + 1])].sort((left, right) => left - right);
};

const emptied = (column: string, isKnown: string): string =>
  `CASE WHEN ${isKnown} THEN ${quoteName(column)} END AS ${quoteName(column)}`;

/** The relations as they were known at T. */
const readingAt = async (db: Duck, view: SqlView, scope: ProofScope, cutMs: number): Promise<Reading> => {
  const { schema, eventTime } = scope;
  const at = sqlInstant(cutMs);
  const time = quoteName(eventTime);
  const late = schema.columns
    .filter((column) => column.role === 'outcome' || column.role === 'label')
    .map((column) => emptied(column.name, `${time} + INTERVAL '${schema.labelKnownAfterMs} milliseconds' <= ${at}`));
  const known = schema.columns
    .filter((column) => column.name === view.knownAt && column.name !== eventTime && column.type === 'timestamp')
    .map((column) => emptied(column.name, `${quoteName(column.name)} <= ${at}`));
  const replaced = [...late, ...known];
  const columns = replaced.length === 0 ? '*' : `* REPLACE (${replaced.join(', ')})`;
  const events = `SELECT ${columns} FROM (${readAll.events}) WHERE ${time} < ${at}`;
  const bySource = new Map<string, string>();
  for (const name of scope.sources) {
    const relation = `SELECT * FROM ${sourceRelation(name)}`;
    const timed = (await describeQuery(db, relation)).filter((column) => /^(TIMESTAMP|DATE)/.test(column.type));
    // A row of a further source exists from the instant that it names: an issue time, or the event's own column.
    const limits = timed
      .filter((column) => column.name === view.knownAt || column.name === eventTime)
      .map((column) => `${quoteName(column.name)} ${column.name === view.knownAt ? '<=' : '<'} ${at}`);
    bySource.set(name, limits.length === 0 ? relation : `${relation} WHERE ${limits.join(' AND ')}`);
  }
  return { events, source: (name) => bySource.get(name) as string };
};

const differs = (value: SqlView['values'][number]): string => {
  const [whole, cut] = [`whole.${quoteName(value.name)}`, `cut.${quoteName(value.name)}`];
  const apart = `${whole} IS DISTINCT FROM ${cut}`;
  if (value.type === 'category') return apart;
  const close = `coalesce(abs(${whole} - ${cut}) <= ${tolerance} * greatest(1, abs(${whole})), false)`;
  return `(${apart} AND NOT ${close})`;
};

type Difference = { row: number | null; whole: string | null; cut: string | null };

const refuse = (view: SqlView, column: string, cutMs: number, row: string, difference: Difference): PerennialError =>
  new PerennialError(
    'PRN_FEATURE_FUTURE',
    `Cannot use view "${view.name}" as "${column}" must be the same on the data as it was known at ${instantOf(cutMs)}: ` +
      `for the row ${row} it is ${difference.whole ?? 'missing'} with the future and ${difference.cut ?? 'missing'} without it`,
    {
      details: {
        view: view.name,
        column,
        row: difference.row,
        at: instantOf(cutMs),
        withFuture: difference.whole,
        withoutFuture: difference.cut,
      },
    },
  );

const describeRow = async (db: Duck, view: SqlView, scope: ProofScope, row: number): Promise<string> => {
  const columns = [scope.eventTime, ...view.entity].map((name) => `${quoteName(name)}::VARCHAR AS ${quoteName(name)}`);
  const found = await db.row<Record<string, string>>(`SELECT ${columns.join(', ')} FROM snapshot WHERE _row = ${row}`);
  return Object.entries(found)
    .map(([name, value]) => `${name} = ${value}`)
    .join(', ');
};

const compareAt = async (db: Duck, view: SqlView, scope: ProofScope, cutMs: number): Promise<TruncationProof> => {
  const reading = await readingAt(db, view, scope, cutMs);
  const asking = `(SELECT * FROM snapshot WHERE ${quoteName(scope.eventTime)} < ${sqlInstant(cutMs)})`;
  const cut = joinSql(view, scope.eventTime, asking, reading, scope.sources);
  const worst = view.values.map((value) => {
    const [whole, without] = [`whole.${quoteName(value.name)}`, `cut.${quoteName(value.name)}`];
    const row = `{"row": whole._row, "whole": ${whole}::VARCHAR, "cut": ${without}::VARCHAR}`;
    return `arg_min(${row}, whole._row) FILTER (WHERE ${differs(value)})`;
  });
  const { rows, differences } = await db.row<{ rows: number; differences: (Difference | null)[] }>(
    `SELECT count(*) AS rows, [${worst.join(', ')}] AS differences FROM proof_whole AS whole JOIN (${cut}) AS cut USING (_row)`,
  );
  const index = differences.findIndex((difference) => difference !== null);
  if (index >= 0) {
    const difference = differences[index] as Difference;
    const row = await describeRow(db, view, scope, difference.row as number);
    throw refuse(view, view.values[index]?.name as string, cutMs, row, difference);
  }
  return { view: view.name, at: instantOf(cutMs), rowsCompared: rows };
};

/**
 * Puts a view to the proof. Everything runs set-wise in DuckDB: one computation on all data, one for each T.
 * Throws PRN_FEATURE_FUTURE naming view, column, row, T and both values.
 */
export const proveByTruncation = async (
  db: Duck,
  view: SqlView,
  scope: ProofScope,
  onCut: (at: Instant) => void = () => {},
): Promise<TruncationProof[]> => {
  await db.run(`CREATE OR REPLACE TEMP TABLE proof_whole AS ${view.sql}`);
  const proofs: TruncationProof[] = [];
  try {
    for (const cutMs of await chooseCuts(db, view, scope)) {
      onCut(instantOf(cutMs));
      proofs.push(await compareAt(db, view, scope, cutMs));
    }
  } finally {
    await db.run('DROP TABLE IF EXISTS proof_whole');
  }
  return proofs;
};
