import { type FeatureSet, featureSetSchema } from '#domain/contracts/feature-set.ts';
import type { ModelVersion } from '#domain/contracts/model-version.ts';
import type { PipelineName, Sha256, VersionNumber } from '#domain/units.ts';
import type { CpuDeps } from './deps.ts';

/** What the champion of a pipeline, or another version of it, asks for. */
export type ChampionFeatures = {
  readonly featureSet: FeatureSet;
  readonly featureSetSha256: Sha256;
  /** null for an imported model. */
  readonly definitionSha256: Sha256 | null;
};

type Deps = Pick<CpuDeps, 'deployments' | 'registry' | 'content'>;

const featuresOf = async (deps: Pick<Deps, 'content'>, version: ModelVersion): Promise<ChampionFeatures> => {
  const featureSet = featureSetSchema.parse(await deps.content.getJson(version.featureSetSha256));
  return { featureSet, featureSetSha256: version.featureSetSha256, definitionSha256: version.definitionSha256 };
};

const findFeatures = async (deps: Deps, pipeline: PipelineName, number: VersionNumber): Promise<ChampionFeatures | null> => {
  const version = await deps.registry.get(pipeline, number);
  return version === null ? null : featuresOf(deps, version);
};

/** Reads the champion's feature set; null where none serves. */
export const findChampionFeatures = async (deps: Deps, pipeline: PipelineName): Promise<ChampionFeatures | null> => {
  const { champion } = await deps.deployments.get(pipeline);
  return champion === null ? null : findFeatures(deps, pipeline, champion.version);
};

/** The same of every version that servers look values up for: the champion, and the candidate of a rollout that runs. */
export const findServedFeatures = async (deps: Deps, pipeline: PipelineName): Promise<readonly ChampionFeatures[]> => {
  const { champion, rollout } = await deps.deployments.get(pipeline);
  const served = [champion, rollout?.candidate ?? null].filter((version) => version !== null);
  const found = await Promise.all(served.map(({ version }) => findFeatures(deps, pipeline, version)));
  return found.filter((features) => features !== null);
};

/** The same of candidates that runs in work have registered: they may have published, and be about to be rolled out. */
export const findComingFeatures = async (deps: Deps, pipeline: PipelineName): Promise<readonly ChampionFeatures[]> =>
  Promise.all((await deps.registry.ofOpenRuns(pipeline)).map((version) => featuresOf(deps, version)));
