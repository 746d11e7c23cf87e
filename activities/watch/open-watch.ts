/** By what a watch goes, from the pipeline file. */
import type { PipelineSpec } from '#domain/contracts/pipeline-spec/pipeline-spec.ts';
import type { WatchCursor, WatchPlan } from '#domain/contracts/watch.ts';
import { defaultDriftPolicy } from '#domain/decide/drift/policy.ts';
import { retrainPolicyOf } from '#domain/decide/retrain/retrain-policy.ts';
import { PerennialError } from '#domain/errors.ts';
import type { PipelineName, Sha256 } from '#domain/units.ts';
import { parseStoredDefinition } from '../../infra/schemas/stored-definition.ts';
import type { WatchOpened, WatchSteps } from '../../workflows/watch-steps.ts';
import type { CpuDeps } from '../deps.ts';

type OpenDeps = Pick<CpuDeps, 'definitions' | 'deployments' | 'watch'>;
type Definition = { readonly sha256: Sha256; readonly file: unknown };

/** The rules of one definition. A level of leaving above that of entering would never be left. */
export const watchPlanOf = (spec: PipelineSpec, definitionSha256: Sha256): WatchPlan => {
  const { every, window, lateness, levels } = spec.watch;
  return {
    pipeline: spec.name,
    definitionSha256,
    everyMs: every,
    silentAfterMs: Math.max(window + lateness, 2 * every),
    drift: { ...defaultDriftPolicy, warn: levels.warn, enter: levels.drift, leave: Math.min(levels.warn, levels.drift) },
    retrain: retrainPolicyOf(spec.retrain),
  };
};

const unknown = (pipeline: PipelineName, sha256: Sha256 | null): PerennialError => {
  const what = sha256 === null ? 'it has none' : `"${sha256}" is none of its own`;
  return new PerennialError(
    'PRN_DEFINITION_UNKNOWN',
    `Cannot watch "${pipeline}" as its definition must have been applied: ${what}`,
  );
};

const findDefinition = async ({ definitions }: OpenDeps, pipeline: PipelineName, sha256: Sha256 | null): Promise<Definition> => {
  if (sha256 === null) {
    const current = await definitions.current(pipeline);
    if (current === null) throw unknown(pipeline, null);
    return current;
  }
  const found = await definitions.find(sha256);
  if (found === null || found.pipeline !== pipeline) throw unknown(pipeline, sha256);
  return { sha256, file: found.file };
};

const never = { endedAt: '1970-01-01T00:00:00.000Z', runKey: '0000000000000000' } as WatchCursor['runsAfter'];

/** Runs that ended before the watch began are no news, and windows that were reported are not judged again. */
const cursorOf = async ({ deployments, watch }: OpenDeps, pipeline: PipelineName): Promise<WatchCursor> => {
  const [{ champion }, ended] = await Promise.all([deployments.get(pipeline), watch.evidence.newestEnd(pipeline)]);
  const profileSha256 = champion?.profileSha256 ?? null;
  const newest = async (kind: 'drift' | 'performance') =>
    profileSha256 === null ? null : ((await watch.reports.list(pipeline, { kind, profileSha256, limit: 1 }))[0]?.to ?? null);
  const [judgedUntil, maturedUntil] = await Promise.all([newest('drift'), newest('performance')]);
  return { profileSha256, judgedUntil, maturedUntil, estimatedUntil: judgedUntil, runsAfter: ended ?? never };
};

export const createOpenWatch =
  (deps: OpenDeps): WatchSteps['openWatch'] =>
  async ({ pipeline, definitionSha256 }): Promise<WatchOpened> => {
    const { sha256, file } = await findDefinition(deps, pipeline, definitionSha256);
    const spec = parseStoredDefinition(file, `watch "${pipeline}"`);
    return { plan: watchPlanOf(spec, sha256), cursor: await cursorOf(deps, pipeline) };
  };
