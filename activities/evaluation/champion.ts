import { type FeatureSet, featureSetSchema } from '#domain/contracts/feature-set.ts';
import type { Deployment, ModelPackage } from '#domain/contracts/model-version.ts';
import type { VersionNumber } from '#domain/units.ts';
import { checkGolden, parseModelPackage } from '../../infra/onnx/package.ts';
import { type OnnxSession, openSession } from '../../infra/onnx/session.ts';
import type { CpuDeps } from '../deps.ts';

export type Champion = {
  readonly version: VersionNumber;
  readonly modelPackage: ModelPackage;
  readonly featureSet: FeatureSet;
  readonly session: OnnxSession;
  readonly who: string;
};

/** Opens the model that serves now, checked by its golden rows; null where none does. The caller releases the session. */
export const openChampion = async (deps: Pick<CpuDeps, 'content'>, { champion }: Deployment): Promise<Champion | null> => {
  if (champion === null) return null;
  const modelPackage = parseModelPackage(await deps.content.getJson(champion.modelSha256));
  const featureSet = featureSetSchema.parse(await deps.content.getJson(modelPackage.featureSetSha256));
  const session = await openSession(await deps.content.getBytes(modelPackage.onnx.sha256));
  try {
    await checkGolden(session, modelPackage);
  } catch (error) {
    await session.release();
    throw error;
  }
  return { version: champion.version, modelPackage, featureSet, session, who: `champion version ${champion.version}` };
};
