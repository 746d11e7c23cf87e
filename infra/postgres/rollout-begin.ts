/** A candidate comes beside the champion. */
import type { Kysely, Transaction } from 'kysely';
import type { DeployedModel, DeployedRollout } from '#domain/contracts/model-version.ts';
import type { RolloutSegment } from '#domain/contracts/rollout.ts';
import { PerennialError } from '#domain/errors.ts';
import type { PipelineName, Sha256, VersionNumber } from '#domain/units.ts';
import { toJson, toText } from './map.ts';
import { requireNotDeleted } from './pipelines.ts';
import { requireNotBarred } from './rollout-bar.ts';
import {
  audit,
  conflict,
  currentOf,
  findRow,
  nowOf,
  type RolloutEffect,
  segmentsOf,
  type Wanted,
  writeWanted,
} from './rollout-rows.ts';
import type { Tables } from './tables.ts';
import { lockPipeline, unknownVersion } from './transaction.ts';

export type NewRollout = {
  readonly id: string;
  readonly pipeline: PipelineName;
  readonly version: VersionNumber;
  /** Which the candidate was compared with. */
  readonly championVersion: VersionNumber;
  readonly workflowId: string;
  readonly policy: unknown;
  readonly deployed: Pick<DeployedRollout, 'strategy' | 'share' | 'salt' | 'by' | 'latencyMs'>;
  readonly actor: string;
  readonly reason: string;
};

export type Compared = Pick<NewRollout, 'pipeline' | 'version' | 'championVersion'>;

const candidateOf = async (db: Kysely<Tables>, { pipeline, version }: Compared): Promise<DeployedModel> => {
  const versions = db.selectFrom('model_versions').selectAll().where('pipeline', '=', pipeline);
  const row = await versions.where('version', '=', version).executeTakeFirst();
  if (!row) throw unknownVersion(pipeline, version);
  if (row.stage !== 'registered' && row.stage !== 'retired') {
    const message = `Cannot roll version ${version} of "${pipeline}" out as it must be registered or retired: it is ${row.stage}`;
    throw new PerennialError('PRN_CONFLICT', message);
  }
  return { version, modelSha256: row.model_sha256 as Sha256, profileSha256: row.profile_sha256 as Sha256 | null };
};

const refuseOther = (wanted: Compared, current: Wanted): void => {
  const start = `Cannot roll version ${wanted.version} of "${wanted.pipeline}" out as`;
  if (current.rollout !== null) {
    const { id, candidate } = current.rollout;
    throw conflict(
      `${start} no other rollout may run: version ${candidate.version} is being rolled out (${id}); \`perennial rollback ${wanted.pipeline} --reason TEXT\` takes it back`,
      {
        rolloutId: id,
      },
    );
  }
  if (current.champion === wanted.championVersion) return;
  throw conflict(
    `${start} version ${wanted.championVersion}, which it was compared with, must be champion: ${current.champion ?? 'none'} is`,
    { championVersion: current.champion, generation: current.generation },
  );
};

/** Throws what would keep the rollout from beginning now: PRN_NOT_FOUND, PRN_CONFLICT, PRN_DEPLOY_CONFLICT. Reads only. */
export const checkBegin = async (db: Kysely<Tables>, wanted: Compared) => {
  const { pipeline, version } = wanted;
  await requireNotDeleted(db, pipeline, `Cannot roll version ${version} of "${pipeline}" out`);
  const current = await currentOf(db, pipeline);
  refuseOther(wanted, current);
  return { candidate: await candidateOf(db, wanted), current };
};

/** Key: the id. Whoever comes late, with a rollout that ended or was taken back, changes nothing. */
export const beginRollout = async (tx: Transaction<Tables>, wanted: NewRollout): Promise<RolloutEffect> => {
  const { id, pipeline, version, championVersion, deployed } = wanted;
  await lockPipeline(tx, pipeline);
  const before = await findRow(tx, id);
  // Also where it has ended since: a step that comes late brings no candidate back.
  if (before) return { generation: (segmentsOf(before)[0] as RolloutSegment).generation };
  await requireNotBarred(tx, id, pipeline);
  const { candidate, current } = await checkBegin(tx, wanted);
  const generation = current.generation + 1;
  const segments = [{ generation, share: deployed.share, since: await nowOf(tx) }];
  await tx
    .insertInto('rollouts')
    .values({
      id,
      pipeline,
      version,
      champion_version: championVersion,
      strategy: deployed.strategy,
      workflow_id: wanted.workflowId,
      policy: toJson(wanted.policy),
      state: 'running',
      segments: toJson(segments),
      started_by: wanted.actor,
      reason: toText(wanted.reason),
    })
    .execute();
  await writeWanted(tx, pipeline, generation, { id, candidate, ...deployed });
  await audit(tx, wanted, 'rollout began', { rolloutId: id, generation, version, share: deployed.share });
  return { generation };
};
