import { type Kysely, sql, type Transaction } from 'kysely';
import type { Instant, PipelineName, Sha256 } from '#domain/units.ts';
import { appendAudit } from './audit.ts';
import { toInstant, toJson } from './map.ts';
import type { Tables } from './tables.ts';
import { inTransaction, lockPipeline } from './transaction.ts';

export type PipelineRecord = {
  readonly name: PipelineName;
  readonly folder: string | null;
  readonly definitionSha256: Sha256 | null;
  readonly createdAt: Instant;
  readonly updatedAt: Instant;
};
export type CurrentDefinition = {
  readonly pipeline: PipelineName;
  readonly sha256: Sha256;
  readonly file: unknown;
  readonly codeVersion: string;
  readonly folder: string | null;
  readonly appliedAt: Instant;
};
export type Applied = { readonly changed: boolean; readonly previousSha256: Sha256 | null };

type NewDefinition = { pipeline: PipelineName; file: unknown; sha256: Sha256; codeVersion: string };

/** The content never changes under its digest; the code version is that of the latest who brought it. */
const keep = async (tx: Transaction<Tables>, { pipeline, file, sha256, codeVersion }: NewDefinition): Promise<void> => {
  await tx
    .insertInto('pipelines')
    .values({ name: pipeline, definition_sha256: null, folder: null })
    .onConflict((conflict) => conflict.column('name').doNothing())
    .execute();
  await tx
    .insertInto('definitions')
    .values({ sha256, pipeline, file: toJson(file), code_version: codeVersion })
    .onConflict((conflict) => conflict.column('sha256').doUpdateSet({ code_version: codeVersion }))
    .execute();
};

const apply = async (
  tx: Transaction<Tables>,
  definition: NewDefinition,
  folder: string | null,
  actor: string,
): Promise<Applied> => {
  const { pipeline, sha256 } = definition;
  await keep(tx, definition);
  await lockPipeline(tx, pipeline);
  const before = await tx
    .selectFrom('pipelines')
    .select(['definition_sha256', 'folder', 'deleted_at'])
    .where('name', '=', pipeline)
    .executeTakeFirstOrThrow();
  const previousSha256 = before.definition_sha256 as Sha256 | null;
  const isBack = before.deleted_at !== null;
  if (previousSha256 === sha256 && before.folder === folder && !isBack) return { changed: false, previousSha256 };
  await tx
    .updateTable('pipelines')
    .set({ definition_sha256: sha256, folder, updated_at: sql`now()`, deleted_at: null })
    .where('name', '=', pipeline)
    .execute();
  const detail = { sha256, previousSha256, folder, ...(isBack && { broughtBack: true }) };
  await appendAudit(tx, { actor, action: 'definition applied', subject: pipeline, detail });
  return { changed: previousSha256 !== sha256 || isBack, previousSha256 };
};

const findCurrent = async (db: Kysely<Tables>, pipeline: PipelineName): Promise<CurrentDefinition | null> => {
  const row = await db
    .selectFrom('pipelines as p')
    .innerJoin('definitions as d', 'd.sha256', 'p.definition_sha256')
    .select(['p.name', 'd.sha256', 'd.file', 'd.code_version', 'p.folder', 'p.updated_at'])
    .where('p.name', '=', pipeline)
    .where('p.deleted_at', 'is', null)
    .executeTakeFirst();
  if (!row) return null;
  const { file, folder, code_version: codeVersion } = row;
  return { pipeline, sha256: row.sha256 as Sha256, file, codeVersion, folder, appliedAt: toInstant(row.updated_at) };
};

const listPipelines = async (db: Kysely<Tables>): Promise<readonly PipelineRecord[]> => {
  const rows = await db.selectFrom('pipelines').selectAll().orderBy('name').execute();
  return rows.map((row) => ({
    name: row.name as PipelineName,
    folder: row.folder,
    definitionSha256: row.definition_sha256 as Sha256 | null,
    createdAt: toInstant(row.created_at),
    updatedAt: toInstant(row.updated_at),
  }));
};

/** Pipelines and every version of their files. */
export const createDefinitions = (db: Kysely<Tables>) => ({
  /** null for an unknown digest. */
  find: async (sha256: Sha256) => {
    const row = await db
      .selectFrom('definitions as d')
      .innerJoin('pipelines as p', 'p.name', 'd.pipeline')
      .select(['d.pipeline', 'd.file', 'd.code_version', 'p.folder'])
      .where('d.sha256', '=', sha256)
      .executeTakeFirst();
    if (!row) return null;
    return { pipeline: row.pipeline as PipelineName, file: row.file, codeVersion: row.code_version, folder: row.folder };
  },
  /** Makes a definition the pipeline's current one; again with the same one changes nothing. Brings a deleted one back. */
  apply: (pipeline: PipelineName, folder: string | null, file: unknown, sha256: Sha256, codeVersion: string, actor: string) =>
    inTransaction(db, (tx) => apply(tx, { pipeline, file, sha256, codeVersion }, folder, actor)),
  /** Keeps a definition so that a run can refer to it (overrides of one run), without making it current. */
  keep: (pipeline: PipelineName, file: unknown, sha256: Sha256, codeVersion: string) =>
    inTransaction(db, (tx) => keep(tx, { pipeline, file, sha256, codeVersion })),
  /** null where none was applied, and for a pipeline that was deleted. */
  current: (pipeline: PipelineName) => findCurrent(db, pipeline),
  listPipelines: () => listPipelines(db),
});
