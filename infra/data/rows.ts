import { dirname } from 'node:path';
import type { DatasetManifest } from '#domain/contracts/dataset.ts';
import type { Sha256 } from '#domain/units.ts';
import type { ContentStore } from '../objects/store.ts';
import { withDuckDb } from '../tabular/duckdb.ts';
import { parquetOf } from '../tabular/sql.ts';

type Content = Pick<ContentStore, 'localFile'>;
export type ReadOptions = { readonly scratch: string; readonly limits: { readonly memoryMiB: number; readonly threads: number } };

export type RejectedRow = {
  readonly source: string;
  readonly object: string;
  readonly line: number | null;
  readonly column: string | null;
  readonly reason: string;
  readonly value: string | null;
  readonly raw: string;
};
export type QuarantinedRow = { readonly part: Sha256; readonly row: number; readonly checks: string; readonly raw: string };

const readRows = async <Row>(
  content: Content,
  digests: readonly Sha256[],
  options: ReadOptions,
  limit: number,
): Promise<Row[]> => {
  const files = await Promise.all(digests.map((sha256) => content.localFile(sha256)));
  const allowedFolders = [...new Set(files.map((file) => dirname(file)))];
  return withDuckDb({ folder: options.scratch, ...options.limits, allowedFolders }, (db) =>
    db.rows<Row>(`SELECT * FROM ${parquetOf(files)} LIMIT ${limit}`),
  );
};

/** Rows that ingest set aside, as people read them: where, why, and the row itself. */
export const readRejected = (
  content: Content,
  sha256: Sha256 | null,
  options: ReadOptions,
  limit: number,
): Promise<RejectedRow[]> => (sha256 === null ? Promise.resolve([]) : readRows<RejectedRow>(content, [sha256], options, limit));

/** Rows that checks of severity "quarantine" set aside. */
export const readQuarantined = (
  content: Content,
  sha256: Sha256 | null,
  options: ReadOptions,
  limit: number,
): Promise<QuarantinedRow[]> =>
  sha256 === null ? Promise.resolve([]) : readRows<QuarantinedRow>(content, [sha256], options, limit);

/** The first rows of a snapshot, in the order of its parts. */
export const readFirstRows = async (
  content: Content,
  manifest: DatasetManifest,
  options: ReadOptions,
  limit: number,
): Promise<Record<string, unknown>[]> => {
  const parts = manifest.parts.filter((part) => part.source === 'main' && part.kind === 'parquet');
  let rows = 0;
  const needed = parts.filter((part) => {
    const isNeeded = rows < limit;
    rows += part.rows;
    return isNeeded;
  });
  if (needed.length === 0) return [];
  return readRows(
    content,
    needed.map((part) => part.sha256),
    options,
    limit,
  );
};
