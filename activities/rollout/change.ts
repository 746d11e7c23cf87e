/** The changes of a rollout; each happens once, however often it is tried. */
import { createHash } from 'node:crypto';
import type { Changed, EndInput, RestoreInput, ShiftInput } from '../../workflows/rollout-steps.ts';
import type { CpuSteps } from '../../workflows/steps.ts';
import type { CpuDeps } from '../deps.ts';

type ChangeDeps = Pick<CpuDeps, 'rollouts' | 'deployments'>;

/** Of the assignment: another rollout draws anew, and nobody can tell by an id who will be drawn. */
const saltOf = (rolloutId: string): string => createHash('sha256').update(`assignment ${rolloutId}`).digest('hex').slice(0, 32);

export const createBeginRollout =
  (deps: ChangeDeps) =>
  ({ plan, workflowId }: Parameters<CpuSteps['beginRollout']>[0]): Promise<Changed> => {
    const { rolloutId, request, strategy, firstShare, by, latencyMs } = plan;
    return deps.rollouts.begin({
      id: rolloutId,
      pipeline: request.pipeline,
      version: request.version,
      championVersion: request.championVersion,
      workflowId,
      policy: plan,
      deployed: { strategy, share: firstShare, salt: saltOf(rolloutId), by, latencyMs },
      actor: request.by,
      reason: request.reason,
    });
  };

export const createShiftTraffic =
  (deps: ChangeDeps) =>
  ({ pipeline, rolloutId, share, expectedGeneration, by, reason }: ShiftInput): Promise<Changed> =>
    deps.rollouts.shift({ id: rolloutId, pipeline, share, expectedGeneration, actor: by, reason });

export const createEndRollout =
  (deps: ChangeDeps) =>
  ({ pipeline, rolloutId, end, expectedGeneration, by, reason }: EndInput): Promise<Changed> =>
    deps.rollouts.end({ id: rolloutId, pipeline, end, expectedGeneration, actor: by, reason });

export const createUndoPromotion =
  (deps: ChangeDeps) =>
  ({ pipeline, rolloutId, by, reason }: Parameters<CpuSteps['undoPromotion']>[0]): Promise<Changed> =>
    deps.rollouts.undoPromotion({ id: rolloutId, pipeline, actor: by, reason });

export const createRestoreChampion =
  (deps: ChangeDeps) =>
  async ({ pipeline, to, expectedGeneration, by, reason }: RestoreInput): Promise<Changed> => {
    const { generation } = await deps.deployments.promote({
      pipeline,
      kind: 'rollback',
      version: to,
      expectedGeneration,
      operationKey: `restore/${pipeline}/${expectedGeneration}/${to}`,
      actor: by,
      reason,
    });
    return { generation };
  };
