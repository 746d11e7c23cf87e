/** What is still to be read of shipped predictions, however old they are. */
import type { PipelineSpec } from '#domain/contracts/pipeline-spec/pipeline-spec.ts';
import { referenceProfileSchema } from '#domain/contracts/reference-profile.ts';
import type { Need } from '#domain/decide/retention/choose-hours.ts';
import { windowsBack } from '#domain/stats/performance/look-back.ts';
import type { PipelineName } from '#domain/units.ts';
import type { ContentStore } from '../objects/store.ts';
import { createDeployments } from '../postgres/deployments.ts';
import { createLabels } from '../postgres/labels.ts';
import type { Db } from '../postgres/pool.ts';
import { createRollouts } from '../postgres/rollouts.ts';
import { createWatchReports } from '../postgres/watch-reports.ts';

export type NeedDeps = { readonly db: Db; readonly content: Pick<ContentStore, 'getJson'> };

const minute = (ms: number): string => `${new Date(ms).toISOString().slice(0, 16)}Z`;

/**
 * Windows of the model that serves which have not matured: where labels are handed in, as far back as a measurement looks;
 * where none ever was, as long as labels may take. Older ones are looked at no more.
 */
const unmatured = async (
  { db, content }: NeedDeps,
  pipeline: PipelineName,
  spec: PipelineSpec,
  nowMs: number,
): Promise<Need[]> => {
  const profileSha256 = (await createDeployments(db).get(pipeline)).champion?.profileSha256 ?? null;
  if (profileSha256 === null) return [];
  const { windowMs } = referenceProfileSchema.parse(await content.getJson(profileSha256)).season;
  const waitMs = Math.max(spec.watch.labels.horizon ?? 0, spec.data.label.known_after);
  const isLabelled = await createLabels(db).hasAny(pipeline);
  const begin = isLabelled ? nowMs - 2 * waitMs - windowsBack * windowMs : nowMs - waitMs - windowMs;
  const [newest] = await createWatchReports(db).list(pipeline, { kind: 'performance', profileSha256, limit: 1 });
  const fromMs = Math.max(Math.floor(begin / windowMs) * windowMs, newest === undefined ? 0 : Date.parse(newest.to));
  return [{ of: 'events', fromMs, why: `windows from ${minute(fromMs)} on have not matured: their labels may still come` }];
};

/** Arms are compared on labels of all that was answered since the rollout began. */
const compared = async ({ db }: NeedDeps, pipeline: PipelineName): Promise<Need[]> => {
  const rollout = await createRollouts(db).running(pipeline);
  if (rollout === null) return [];
  const fromMs = Date.parse(rollout.startedAt);
  return [
    { of: 'answers', fromMs, why: `version ${rollout.version} is rolled out since ${minute(fromMs)}, and compared by them` },
  ];
};

export const findNeeds = async (
  deps: NeedDeps,
  pipeline: PipelineName,
  spec: PipelineSpec,
  nowMs: number,
): Promise<readonly Need[]> => [...(await compared(deps, pipeline)), ...(await unmatured(deps, pipeline, spec, nowMs))];
