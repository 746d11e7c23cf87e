/** What a look works with: its surroundings, and the model that serves. */
import type { ModelVersion } from '#domain/contracts/model-version.ts';
import type { ReferenceProfile } from '#domain/contracts/reference-profile.ts';
import type { Instant, Sha256 } from '#domain/units.ts';
import type { CpuDeps } from '../deps.ts';

export type MeasureDeps = Pick<
  CpuDeps,
  'definitions' | 'deployments' | 'registry' | 'snapshots' | 'onlineFeatures' | 'content' | 'scratch' | 'limits' | 'watch'
>;

/** The model that serves, with the profile that its windows are compared with. */
export type Served = {
  readonly version: ModelVersion;
  readonly profileSha256: Sha256 | null;
  readonly profile: ReferenceProfile | null;
  readonly trainedAt: Instant;
};
