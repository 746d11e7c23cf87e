import { sql, type Transaction } from 'kysely';
import type { DeployedRollout } from '#domain/contracts/model-version.ts';
import { PerennialError } from '#domain/errors.ts';
import type { PipelineName, Sha256, VersionNumber } from '#domain/units.ts';
import { appendAudit } from './audit.ts';
import { toCount, toText } from './map.ts';
import { notifyServing } from './notify.ts';
import { requireNotDeleted } from './pipelines.ts';
import type { Tables } from './tables.ts';
import { lockPipeline, unknownVersion } from './transaction.ts';

export type Promotion = {
  readonly pipeline: PipelineName;
  readonly kind: 'promote' | 'rollback';
  /** null takes the pipeline out of service. */
  readonly version: VersionNumber | null;
  /** Generation of the deployment that the candidate was compared with. */
  readonly expectedGeneration: number;
  /** The same key again returns the first effect. */
  readonly operationKey: string;
  readonly actor: string;
  readonly reason: string;
};
export type PromotionEffect = { readonly generation: number; readonly previousVersion: VersionNumber | null };
type Current = { readonly generation: number; readonly version: VersionNumber | null; readonly rollout: DeployedRollout | null };

/** The effect of an operation that was done before; the same key for another promotion is a mistake of the caller. */
const firstEffect = async (tx: Transaction<Tables>, promotion: Promotion): Promise<PromotionEffect | null> => {
  const { operationKey, pipeline, version } = promotion;
  const row = await tx.selectFrom('promotions').selectAll().where('operation_key', '=', operationKey).executeTakeFirst();
  if (!row) return null;
  if (row.pipeline !== pipeline || row.version !== version) {
    throw new PerennialError(
      'PRN_CONFLICT',
      `Cannot promote version ${version} of "${pipeline}" as operation "${operationKey}" already promoted version ${row.version} of "${row.pipeline}"`,
    );
  }
  return { generation: toCount(row.generation), previousVersion: row.previous_version as VersionNumber | null };
};

const currentOf = async (tx: Transaction<Tables>, pipeline: PipelineName): Promise<Current> => {
  const row = await tx.selectFrom('deployments').selectAll().where('pipeline', '=', pipeline).executeTakeFirst();
  return {
    generation: toCount(row?.generation ?? '0'),
    version: (row?.champion_version ?? null) as VersionNumber | null,
    rollout: (row?.rollout ?? null) as DeployedRollout | null,
  };
};

const refuseStale = ({ pipeline, version, expectedGeneration }: Promotion, current: Current): void => {
  if (current.generation === expectedGeneration) return;
  throw new PerennialError(
    'PRN_DEPLOY_CONFLICT',
    `Cannot promote version ${version ?? 'none'} of "${pipeline}" as the generation must be ${expectedGeneration}, which it was compared with: ` +
      `it is ${current.generation}, with version ${current.version ?? 'none'} as champion`,
    { details: { expectedGeneration, generation: current.generation, championVersion: current.version } },
  );
};

/** The candidate is compared with this champion: under its feet nobody changes it. What is urgent takes the rollout back first. */
const refuseDuringRollout = ({ pipeline, version }: Promotion, { rollout }: Current): void => {
  if (rollout === null) return;
  throw new PerennialError(
    'PRN_DEPLOY_CONFLICT',
    `Cannot promote version ${version ?? 'none'} of "${pipeline}" as no rollout may run: version ${rollout.candidate.version} is being rolled out; ` +
      `\`perennial rollback ${pipeline} --reason TEXT\` takes it back`,
    { details: { rolloutId: rollout.id, candidateVersion: rollout.candidate.version } },
  );
};

const setStage = (tx: Transaction<Tables>, pipeline: PipelineName, version: VersionNumber, stage: 'champion' | 'retired') =>
  tx
    .updateTable('model_versions')
    .set({ stage })
    .where('pipeline', '=', pipeline)
    .where('version', '=', version)
    .returning('model_sha256')
    .executeTakeFirstOrThrow();

const requirePromotable = async (tx: Transaction<Tables>, pipeline: PipelineName, version: VersionNumber): Promise<void> => {
  const versions = tx.selectFrom('model_versions').select('stage').where('pipeline', '=', pipeline);
  const row = await versions.where('version', '=', version).executeTakeFirst();
  if (!row) throw unknownVersion(pipeline, version);
  if (row.stage !== 'rejected') return;
  throw new PerennialError('PRN_CONFLICT', `Cannot promote version ${version} of "${pipeline}" as it was rejected`);
};

/** Demotes first: the index that allows one champion is checked row by row. */
export const swapChampion = async (
  tx: Transaction<Tables>,
  pipeline: PipelineName,
  from: VersionNumber | null,
  to: VersionNumber | null,
) => {
  if (from !== null) await setStage(tx, pipeline, from, 'retired');
  if (to === null) return null;
  await requirePromotable(tx, pipeline, to);
  const champion = await setStage(tx, pipeline, to, 'champion');
  return champion.model_sha256 as Sha256;
};

const writeDeployment = async (tx: Transaction<Tables>, promotion: Promotion, generation: number, modelSha256: Sha256 | null) => {
  const columns = { generation, champion_version: promotion.version, model_sha256: modelSha256, updated_at: sql<Date>`now()` };
  await tx
    .insertInto('deployments')
    .values({ pipeline: promotion.pipeline, ...columns })
    .onConflict((conflict) => conflict.column('pipeline').doUpdateSet(columns))
    .execute();
};

const writePromotion = async (tx: Transaction<Tables>, promotion: Promotion, effect: PromotionEffect) => {
  const { pipeline, kind, version, operationKey, actor } = promotion;
  const reason = toText(promotion.reason);
  const { generation, previousVersion } = effect;
  await tx
    .insertInto('promotions')
    .values({
      pipeline,
      generation,
      kind,
      version,
      previous_version: previousVersion,
      operation_key: operationKey,
      actor,
      reason,
    })
    .execute();
  const action = kind === 'promote' ? 'champion promoted' : 'champion rolled back';
  await appendAudit(tx, {
    actor,
    action,
    subject: pipeline,
    detail: { generation, version, previousVersion, operationKey, reason },
  });
};

/**
 * Changes the champion in one transaction: stages, deployment, promotion, audit, notification. All promoters of a
 * pipeline stand in line at its row, so of those who expect one generation exactly one wins.
 */
export const promote = async (tx: Transaction<Tables>, promotion: Promotion): Promise<PromotionEffect> => {
  const { pipeline, version } = promotion;
  await lockPipeline(tx, pipeline);
  const before = await firstEffect(tx, promotion);
  if (before) return before;
  const current = await currentOf(tx, pipeline);
  refuseStale(promotion, current);
  if (version !== null) await requireNotDeleted(tx, pipeline, `Cannot promote version ${version}`);
  refuseDuringRollout(promotion, current);
  const modelSha256 = await swapChampion(tx, pipeline, current.version, version);
  const effect = { generation: current.generation + 1, previousVersion: current.version };
  await writeDeployment(tx, promotion, effect.generation, modelSha256);
  await notifyServing(tx, pipeline);
  await writePromotion(tx, promotion, effect);
  return effect;
};
