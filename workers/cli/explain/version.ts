import { PerennialError } from '#domain/errors.ts';
import type { PipelineName, RunKey, VersionNumber } from '#domain/units.ts';
import type { Context } from '../context.ts';
import { short } from '../output.ts';
import { formatNumber } from '../quantity.ts';
import { minute } from '../status/moments.ts';
import { evaluationLines, readEvaluation } from './evaluation.ts';
import { type Depth, field } from './lines.ts';
import { readRolloutsOf, rolloutLines } from './rollout.ts';
import { gateLines } from './run.ts';

/** A version with all that decided about it: the run and its gate, promotions, rollouts. Throws PRN_NOT_FOUND. */
export const readVersion = async (context: Context, pipeline: PipelineName, version: VersionNumber) => {
  const found = await context.registry.get(pipeline, version);
  if (found === null)
    throw new PerennialError(
      'PRN_NOT_FOUND',
      `Cannot explain version ${version} of "${pipeline}": there is none; "perennial models list ${pipeline}" shows what there is`,
    );
  const runKey = found.runKey as RunKey | null;
  const [run, evaluation, promotions, rollouts] = await Promise.all([
    runKey === null ? null : context.runs.get(runKey),
    runKey === null ? null : readEvaluation(context, runKey),
    context.registry.promotions(pipeline),
    readRolloutsOf(context, pipeline, version),
  ]);
  return { version: found, run, evaluation, promotions: promotions.filter((one) => one.version === version), rollouts };
};
export type VersionExplained = Awaited<ReturnType<typeof readVersion>>;

const metricsText = ({ metrics }: VersionExplained['version']): string =>
  Object.entries(metrics)
    .map(([name, value]) => `${name} ${formatNumber(value)}`)
    .join(', ') || 'none';

const originText = ({ run, version }: VersionExplained): string =>
  run === null
    ? `imported or registered by hand (${version.trainer})`
    : `run ${run.runKey}, started by ${run.trigger.by} (${run.trigger.kind}): ${run.trigger.reason}`;

export const versionLines = (explained: VersionExplained, depth: Depth): string[] => {
  const { version, run, evaluation, promotions, rollouts } = explained;
  return [
    `${version.pipeline} version ${version.version}: ${version.stage}, registered ${minute(version.createdAt)}`,
    field('from', originText(explained)),
    field(
      'data',
      `${short(version.snapshotSha256)}, features ${short(version.featureSetSha256)}, code ${version.codeVersion.replace(/^sha256:/, '').slice(0, 12)}`,
    ),
    field('model', `${short(version.modelSha256)}, trained by ${version.trainer}: ${metricsText(version)}`),
    ...(run?.result == null ? [] : [field('verdict', run.result.reason), ...gateLines(run.result, depth)]),
    ...promotions.map(({ kind, generation, actor, reason, promotedAt }) =>
      field(
        kind === 'promote' ? 'promoted' : 'put back',
        `${minute(promotedAt)} by ${actor}, generation ${generation}: ${reason}`,
      ),
    ),
    ...(evaluation === null ? [] : evaluationLines(evaluation, depth)),
    ...rollouts.flatMap((one) => ['', ...rolloutLines(one, depth)]),
  ];
};
