import { type FeatureSet, featureSetSchema } from '#domain/contracts/feature-set.ts';
import type { PipelineName, Sha256 } from '#domain/units.ts';
import type { CpuDeps } from './deps.ts';

/** What the champion of a pipeline asks for; null where none serves. */
export type ChampionFeatures = {
  readonly featureSet: FeatureSet;
  readonly featureSetSha256: Sha256;
  /** null for an imported model. */
  readonly definitionSha256: Sha256 | null;
};

/** Reads the champion's feature set. */
export const findChampionFeatures = async (
  deps: Pick<CpuDeps, 'deployments' | 'registry' | 'content'>,
  pipeline: PipelineName,
): Promise<ChampionFeatures | null> => {
  const { champion } = await deps.deployments.get(pipeline);
  if (champion === null) return null;
  const version = await deps.registry.get(pipeline, champion.version);
  if (version === null) return null;
  const featureSet = featureSetSchema.parse(await deps.content.getJson(version.featureSetSha256));
  return { featureSet, featureSetSha256: version.featureSetSha256, definitionSha256: version.definitionSha256 };
};
