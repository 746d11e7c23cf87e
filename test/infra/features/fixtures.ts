/** Small real snapshots: Parquet parts in a real store, made by DuckDB from SQL. */
import { join } from 'node:path';
import type { DatasetColumn, DatasetManifest, DatasetSchema } from '#domain/contracts/dataset.ts';
import { type PipelineFile, type PipelineSpec, pipelineSpecSchema } from '#domain/contracts/pipeline-spec/pipeline-spec.ts';
import type { Instant, PipelineName } from '#domain/units.ts';
import type { ContentStore } from '../../../infra/objects/store.ts';
import { type Duck, withDuckDb } from '../../../infra/tabular/duckdb.ts';
import { quoteName, quoteText } from '../../../infra/tabular/sql.ts';

export const column = (name: string, type: DatasetColumn['type'], more: Partial<DatasetColumn> = {}): DatasetColumn => ({
  name,
  type,
  role: 'feature',
  new_values: 'warn',
  missing: 'allow',
  unique: false,
  ...more,
});

export type SnapshotSource = { readonly sql: string; readonly parts?: number };

const writeParts = async (
  db: Duck,
  content: ContentStore,
  folder: string,
  name: string,
  source: SnapshotSource,
  order: string | null,
) => {
  const table = quoteName(`made ${name}`);
  await db.run(`CREATE TABLE ${table} AS ${source.sql}`);
  const parts: DatasetManifest['parts'] = [];
  const count = source.parts ?? 1;
  const { rows } = await db.row<{ rows: number }>(`SELECT count(*) AS rows FROM ${table}`);
  const size = Math.ceil(rows / count);
  for (let index = 0; index < count; index += 1) {
    const file = join(folder, `${name}-${index}.parquet`);
    const ordered = order === null ? '' : `ORDER BY ${order}`;
    await db.run(
      `COPY (SELECT * FROM ${table} ${ordered} LIMIT ${size} OFFSET ${index * size}) TO ${quoteText(file)} (FORMAT parquet)`,
    );
    const { sha256, bytes } = await content.putFile(file);
    const partRows = Math.min(size, rows - index * size);
    parts.push({ source: name, kind: 'parquet', partition: `p${String(index).padStart(4, '0')}`, sha256, bytes, rows: partRows });
  }
  return parts;
};

/** Freezes what `main` (and further sources) select, in `folder`, into a manifest. */
export const makeSnapshot = (
  content: ContentStore,
  folder: string,
  schema: DatasetSchema,
  sources: Readonly<Record<string, SnapshotSource>> & { readonly main: SnapshotSource },
  allowed: readonly string[] = [],
): Promise<DatasetManifest> =>
  withDuckDb({ folder, memoryMiB: 1024, threads: 2, allowedFolders: allowed }, async (db) => {
    const parts: DatasetManifest['parts'] = [];
    for (const [name, source] of Object.entries(sources)) {
      const order = name === 'main' && schema.eventTime !== null ? `${quoteName(schema.eventTime)}, ALL` : null;
      parts.push(
        ...(await writeParts(db, content, folder, name, source, order === null ? null : quoteName(schema.eventTime as string))),
      );
    }
    const time = schema.eventTime === null ? 'NULL' : `epoch_ms(${quoteName(schema.eventTime)})`;
    const { rows, first, last } = await db.row<{ rows: number; first: number; last: number }>(
      `SELECT count(*) AS rows, min(${time}) AS first, max(${time}) AS last FROM "made main"`,
    );
    const instant = (epochMs: number) => new Date(epochMs).toISOString() as Instant;
    return {
      format: 1,
      pipeline: 'test' as PipelineName,
      schema,
      parts,
      rows,
      bytes: parts.reduce((sum, part) => sum + part.bytes, 0),
      eventTime: schema.eventTime === null ? null : { first: instant(first), last: instant(last) },
      cutoff: null,
      quarantined: { rows: 0, sha256: null },
      rejected: { rows: 0, sha256: null },
    };
  });

export const specOf = (file: Omit<PipelineFile, 'name'>): PipelineSpec => pipelineSpecSchema.parse({ name: 'test', ...file });
