import { type Kysely, type Selectable, sql } from 'kysely';
import type { Deployment, ServerReport } from '#domain/contracts/model-version.ts';
import { keptShareOf } from '#domain/contracts/pipeline-spec/operation.ts';
import type { PipelineName, Ratio, Sha256, VersionNumber } from '#domain/units.ts';
import { toCount, toInstant, toText } from './map.ts';
import { type Listener, listenForServing } from './notify.ts';
import type { Db } from './pool.ts';
import { type Promotion, promote } from './promote.ts';
import type { DeploymentsTable, ServerReportsTable, Tables } from './tables.ts';
import { inTransaction } from './transaction.ts';

/** A deployment as servers follow it. */
export type FollowedDeployment = Deployment & {
  /** Share of the answered rows that is logged, by the definition that is applied now; all are counted. */
  readonly captured: Ratio;
};

type Row = Selectable<DeploymentsTable> & { readonly profile_sha256: string | null };

const toDeployment = (row: Row): Deployment => ({
  pipeline: row.pipeline as PipelineName,
  generation: toCount(row.generation),
  champion:
    row.champion_version === null || row.model_sha256 === null
      ? null
      : {
          version: row.champion_version as VersionNumber,
          modelSha256: row.model_sha256 as Sha256,
          profileSha256: row.profile_sha256 as Sha256 | null,
        },
  rollout: row.rollout as Deployment['rollout'],
});

const toReport = (row: Selectable<ServerReportsTable>): ServerReport => ({
  serverId: row.server_id,
  pipeline: row.pipeline as PipelineName,
  generation: toCount(row.generation),
  modelSha256: row.model_sha256 as Sha256 | null,
  candidateSha256: row.candidate_sha256 as Sha256 | null,
  share: row.share,
  state: row.state,
  reason: row.reason,
  reportedAt: toInstant(row.reported_at),
});

const selectDeployments = (db: Kysely<Tables>) =>
  db
    .selectFrom('deployments')
    .leftJoin('model_versions', (join) =>
      join
        .onRef('model_versions.pipeline', '=', 'deployments.pipeline')
        .onRef('model_versions.version', '=', 'deployments.champion_version'),
    )
    .selectAll('deployments')
    .select('model_versions.profile_sha256');

/** Generation 0 and no champion for a pipeline that never had one. */
export const findDeployment = async (db: Kysely<Tables>, pipeline: PipelineName): Promise<Deployment> => {
  const row = await selectDeployments(db).where('deployments.pipeline', '=', pipeline).executeTakeFirst();
  return row ? toDeployment(row) : { pipeline, generation: 0, champion: null, rollout: null };
};

const listFollowed = async (db: Kysely<Tables>): Promise<readonly FollowedDeployment[]> => {
  const rows = await selectDeployments(db)
    .innerJoin('pipelines', 'pipelines.name', 'deployments.pipeline')
    .leftJoin('definitions', 'definitions.sha256', 'pipelines.definition_sha256')
    .select('definitions.capture')
    .orderBy('deployments.pipeline')
    .execute();
  return rows.map((row) => ({ ...toDeployment(row), captured: keptShareOf(row.capture) }));
};

/** A report is dated by the database's clock, whatever the server's own says. */
const report = async (db: Kysely<Tables>, { serverId, pipeline, generation, modelSha256, ...rest }: ServerReport) => {
  const columns = {
    generation,
    model_sha256: modelSha256,
    candidate_sha256: rest.candidateSha256,
    share: rest.share,
    state: rest.state,
    reason: rest.reason === null ? null : toText(rest.reason),
    reported_at: sql<Date>`clock_timestamp()`,
  };
  await db
    .insertInto('server_reports')
    .values({ server_id: serverId, pipeline, ...columns })
    .onConflict((conflict) => conflict.columns(['server_id', 'pipeline']).doUpdateSet(columns))
    .execute();
};

const serverReports = async (db: Kysely<Tables>, pipeline: PipelineName, maxAgeMs: number): Promise<readonly ServerReport[]> => {
  const rows = await db
    .selectFrom('server_reports')
    .selectAll()
    .where('pipeline', '=', pipeline)
    .where(sql<boolean>`reported_at >= clock_timestamp() - make_interval(secs => ${maxAgeMs / 1_000})`)
    .orderBy('server_id')
    .execute();
  return rows.map(toReport);
};

const silentMs = async (db: Kysely<Tables>, serverId: string): Promise<number | null> => {
  const { rows } = await sql<{ ms: number | null }>`select
    (extract(epoch from clock_timestamp() - max(reported_at)) * 1000)::float8 as ms
    from perennial.server_reports where server_id = ${serverId}`.execute(db);
  return rows[0]?.ms ?? null;
};

/** What should be served, who serves it, and the fenced change of champion. */
export const createDeployments = (db: Db) => ({
  get: (pipeline: PipelineName) => findDeployment(db, pipeline),
  /** Fenced by generation, with its audit entry in one transaction. Throws PRN_DEPLOY_CONFLICT. */
  promote: (promotion: Promotion) => inTransaction(db, (tx) => promote(tx, promotion)),
  /** No older than `maxAgeMs` by the database's clock. */
  serverReports: (pipeline: PipelineName, maxAgeMs: number) => serverReports(db, pipeline, maxAgeMs),
  list: async (): Promise<readonly Deployment[]> =>
    (await selectDeployments(db).orderBy('deployments.pipeline').execute()).map(toDeployment),
  /** All that a server follows. */
  followed: () => listFollowed(db),
  report: (said: ServerReport): Promise<void> => report(db, said),
  /** How long ago a server reported last, by the database's clock; null where none of its reports is there. */
  silentMs: (serverId: string) => silentMs(db, serverId),
  /** A server that closes takes its reports with it, so that no one waits for it. */
  forgetServer: async (serverId: string): Promise<void> => {
    await db.deleteFrom('server_reports').where('server_id', '=', serverId).execute();
  },
  /** Calls back with the pipeline that changed; with null after each (re)connection, meaning "look at all". Poll as well. */
  listen: (onChange: (pipeline: PipelineName | null) => void): Listener => listenForServing(db.url, onChange),
});
