/** One prediction among all that were shipped, by its id. */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Kysely } from 'kysely';
import type { PredictionRecord } from '#domain/contracts/capture.ts';
import { hourMs, type Instant } from '#domain/units.ts';
import { mapParallel } from '../objects/parallel.ts';
import type { ContentStore } from '../objects/store.ts';
import { createPredictionParts } from '../postgres/prediction-parts.ts';
import type { Tables } from '../postgres/tables.ts';
import { withDuckDb } from '../tabular/duckdb.ts';
import { parquetOf, quoteText } from '../tabular/sql.ts';
import { recordOfRow, type ShippedRow } from './record-of-row.ts';

export type FindDeps = {
  readonly db: Kysely<Tables>;
  readonly content: Pick<ContentStore, 'localFile'>;
  /** Folder for what does not fit into memory. */
  readonly scratch: string;
  readonly memoryMiB: number;
};

/** `subjectByKey` is that of labels by the pipeline's key, as it was when the prediction was shipped. */
export type FoundPrediction = PredictionRecord & { readonly subjectByKey: string | null };

const parallelFiles = 4;
const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** An id says when it was made; the answer came within the hour, or in the next one. */
const hoursOf = (id: string): { from: Instant; to: Instant } | null => {
  const madeMs = Number.parseInt(id.replaceAll('-', '').slice(0, 12), 16);
  if (!uuid.test(id) || madeMs > 8.64e15 - 2 * hourMs) return null;
  const hour = Math.floor(madeMs / hourMs) * hourMs;
  return { from: new Date(hour).toISOString() as Instant, to: new Date(hour + hourMs).toISOString() as Instant };
};

/** The answer that was sent goes before that of a shadow. Null for an id that nobody has shipped. */
export const findPrediction = async (
  { db, content, scratch, memoryMiB }: FindDeps,
  asked: string,
): Promise<FoundPrediction | null> => {
  const id = asked.toLowerCase();
  const hours = hoursOf(id);
  const parts = hours === null ? [] : await createPredictionParts(db).inHours(hours.from, hours.to);
  if (parts.length === 0) return null;
  const files = await mapParallel(parts, parallelFiles, ({ sha256 }) => content.localFile(sha256));
  await mkdir(scratch, { recursive: true });
  const folder = await mkdtemp(join(scratch, 'find-prediction.'));
  try {
    const [row] = await withDuckDb({ folder, memoryMiB, threads: 1, allowedFolders: files }, (duck) =>
      duck.rows<ShippedRow>(`SELECT * FROM ${parquetOf(files)} WHERE id = ${quoteText(id)} ORDER BY shadow NULLS LAST LIMIT 1`),
    );
    if (row === undefined) return null;
    const subjectByKey = row['key_subject'];
    return { ...recordOfRow(row), subjectByKey: typeof subjectByKey === 'string' ? subjectByKey : null };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
};
