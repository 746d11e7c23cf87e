/** What answers a pipeline's requests at one moment. */
import type { DeployedModel, DeployedRollout } from '#domain/contracts/model-version.ts';
import type { PipelineName, Ratio, VersionNumber } from '#domain/units.ts';
import type { FollowedDeployment } from '../../infra/postgres/deployments.ts';
import type { Metrics } from '../../infra/telemetry/metrics.ts';
import type { ServedModel } from './served-model.ts';

/** A version in memory. */
export type ServedVersion = { readonly version: VersionNumber; readonly model: ServedModel };

/** A candidate in memory beside the champion, and what it is asked. */
export type ServingRollout = Pick<DeployedRollout, 'id' | 'strategy' | 'share' | 'salt' | 'by' | 'latencyMs'> & {
  readonly candidate: ServedVersion;
};

/**
 * What answers a pipeline's requests now: the champion, and in a rollout the candidate. A request takes this pointer once,
 * so that its arm, its model and its generation belong together.
 */
export type Serving = ServedVersion & {
  readonly pipeline: PipelineName;
  readonly generation: number;
  /**
   * Generation under which its requests are counted by arm; 0 while the candidate that the deployment names is not in
   * memory: requests that were not dealt out belong to no segment of a rollout.
   */
  readonly segment: number;
  readonly rollout: ServingRollout | null;
  /** Share of the answered rows that is logged. */
  readonly captured: Ratio;
};

/** Both arms may be one model. */
export const modelsOf = (serving: Serving | null): readonly ServedModel[] => [
  ...new Set(serving === null ? [] : [serving.model, ...(serving.rollout === null ? [] : [serving.rollout.candidate.model])]),
];

/** Without its candidate a rollout is none. */
export const servingOf = (
  { pipeline, generation, rollout, captured }: FollowedDeployment,
  champion: DeployedModel,
  model: ServedModel,
  candidate: ServedModel | null,
): Serving => ({
  pipeline,
  generation,
  captured,
  segment: rollout !== null && candidate === null ? 0 : generation,
  version: champion.version,
  model,
  rollout:
    rollout === null || candidate === null
      ? null
      : { ...rollout, candidate: { version: rollout.candidate.version, model: candidate } },
});

export const namesOf = (serving: Serving | null) => ({
  generation: serving?.generation,
  version: serving?.version,
  modelSha256: serving?.model.modelSha256,
  ...(serving?.rollout && {
    candidate: serving.rollout.candidate.version,
    candidateSha256: serving.rollout.candidate.model.modelSha256,
    share: serving.rollout.share,
  }),
});

export const showInMetrics = (metrics: Metrics, pipeline: PipelineName, serving: Serving | null): void => {
  metrics.forget('perennial_model_info', { pipeline });
  metrics.set('perennial_rollout_share', { pipeline }, serving?.rollout?.share ?? 0);
  metrics.set('perennial_model_swapped_timestamp_seconds', { pipeline }, Date.now() / 1000);
  if (serving === null) return;
  const { version, model } = serving;
  metrics.set('perennial_model_info', { pipeline, version, model_sha256: model.modelSha256 }, 1);
};
