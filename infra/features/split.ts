/** Which rows are learned from and which are held out, before any value is looked at. */
import type { DatasetManifest } from '#domain/contracts/dataset.ts';
import type { FeatureFrame } from '#domain/contracts/feature-set.ts';
import type { TrainingSpec } from '#domain/contracts/pipeline-spec/training.ts';
import { PerennialError } from '#domain/errors.ts';
import type { Instant } from '#domain/units.ts';
import type { Duck } from '../tabular/duckdb.ts';
import { quoteName } from '../tabular/sql.ts';

export type Split = FeatureFrame['split'] & {
  /** SQL over a row of `snapshot`: 0 for training, 1 for hold-out, NULL for neither. */
  readonly sideSql: string;
  /** Earliest event time that training, hold-out or (with `windowMs`) a view of them can see; null: everything. */
  readonly earliestMs: number | null;
};

/** Where nothing is declared: a fifth of the rows, the newest where rows have a time. */
export const defaultShare = 0.2;

export const instantOf = (epochMs: number): Instant => new Date(epochMs).toISOString() as Instant;
/** An instant as SQL; a literal of DuckDB's TIMESTAMP, which is UTC throughout. */
export const sqlInstant = (epochMs: number): string => `TIMESTAMP '${instantOf(epochMs).replace('T', ' ').replace('Z', '')}'`;

/** A label that is there and, for numbers, is one. */
const labelled = ({ schema }: DatasetManifest): string => {
  const label = quoteName(schema.label);
  const isNumber = schema.columns.find((column) => column.name === schema.label)?.type === 'number';
  return isNumber ? `${label} IS NOT NULL AND isfinite(${label})` : `${label} IS NOT NULL`;
};

const splitError = (problem: string): PerennialError =>
  new PerennialError('PRN_FEATURE_SPLIT', `Cannot split the snapshot as ${problem}`);

/**
 * By time. A row counts only if its label was known by the newest event of the snapshot, and a training row only if its
 * label was known when the hold-out starts: a model trained at that instant could not have had more.
 */
const timeSplit = async (db: Duck, manifest: DatasetManifest, training: TrainingSpec, eventTime: string): Promise<Split> => {
  const { schema } = manifest;
  const delay = schema.labelKnownAfterMs;
  const time = quoteName(eventTime);
  const watermark = Date.parse(manifest.eventTime?.last ?? '');
  const ripe = `${labelled(manifest)} AND ${time} <= ${sqlInstant(watermark - delay)}`;
  const share = training.holdout?.kind === 'share' ? training.holdout.share : defaultShare;
  const found = await db.row<{ first: number | null; last: number | null; cut: number | null }>(
    `SELECT min(epoch_ms(${time})) AS first, max(epoch_ms(${time})) AS last,
       quantile_disc(epoch_ms(${time}), ${1 - share}) AS cut FROM snapshot WHERE ${ripe}`,
  );
  if (found.last === null) {
    throw splitError(`a row must have a label that is known by ${instantOf(watermark)}: there is none`);
  }
  const holdoutFrom = training.holdout?.kind === 'time' ? watermark - delay - training.holdout.ms : (found.cut as number);
  const trainUntil = delay === 0 ? `${time} < ${sqlInstant(holdoutFrom)}` : `${time} <= ${sqlInstant(holdoutFrom - delay)}`;
  const windowFrom = training.window === undefined ? null : holdoutFrom - training.window;
  const since = windowFrom === null ? 'true' : `${time} >= ${sqlInstant(windowFrom)}`;
  return {
    kind: 'time',
    trainFrom: instantOf(Math.max(found.first as number, windowFrom ?? Number.NEGATIVE_INFINITY)),
    holdoutFrom: instantOf(holdoutFrom),
    holdoutTo: instantOf(found.last),
    sideSql: `CASE WHEN NOT (${ripe}) THEN NULL WHEN ${time} >= ${sqlInstant(holdoutFrom)} THEN 1 WHEN ${trainUntil} AND ${since} THEN 0 END`,
    earliestMs: windowFrom,
  };
};

/** What a row is told from others by: its key, or all that a request could hold where rows have no key. */
export const hashedColumns = ({ schema }: Pick<DatasetManifest, 'schema'>): readonly string[] =>
  schema.key.length > 0 ? schema.key : schema.columns.filter((each) => each.role === 'feature').map((each) => each.name);

/**
 * SQL over a row: whether the hash of these columns puts it among that share. Equal rows then stay on one side, and a row
 * keeps its side when others come.
 */
export const isOfShareSql = (columns: readonly string[], share: number): string => {
  const text = columns.map((name) => `coalesce(${quoteName(name)}::VARCHAR, chr(1))`).join(`, chr(31), `);
  // 2^40 steps of the hash: finer than any share that means something, and exact in a BIGINT.
  return `md5_number_lower(concat(${text})) % 1099511627776 < ${Math.round(share * 1099511627776)}`;
};

const hashSplit = (manifest: DatasetManifest, training: TrainingSpec): Split => {
  if (training.holdout?.kind === 'time') {
    throw splitError('training.holdout must be a share, such as 20%, where data.event_time is not declared: it is a duration');
  }
  const isHeldOut = isOfShareSql(hashedColumns(manifest), training.holdout?.share ?? defaultShare);
  return {
    kind: 'hash',
    trainFrom: null,
    holdoutFrom: null,
    holdoutTo: null,
    sideSql: `CASE WHEN NOT (${labelled(manifest)}) THEN NULL WHEN ${isHeldOut} THEN 1 ELSE 0 END`,
    earliestMs: null,
  };
};

/** Decides the split. Throws PRN_FEATURE_SPLIT where there is nothing to split. */
export const decideSplit = async (db: Duck, manifest: DatasetManifest, training: TrainingSpec): Promise<Split> => {
  const { eventTime } = manifest.schema;
  return eventTime === null ? hashSplit(manifest, training) : timeSplit(db, manifest, training, eventTime);
};
