/** Says what a roll-back will do; the only door for its unparsed input. */
import { z } from 'zod';
import { type RollBackPlan, type RollBackRequest, rollBackRequestSchema } from '#domain/contracts/rollout.ts';
import { PerennialError } from '#domain/errors.ts';
import { minuteMs, type VersionNumber } from '#domain/units.ts';
import type { CpuDeps } from '../deps.ts';

type RollBackDeps = Pick<CpuDeps, 'deployments' | 'registry' | 'rollouts'>;

/** Servers that are alive have so long to follow; see `plan.ts`. */
const confirmWithinMs = 2 * minuteMs;

const parseRequest = (input: unknown): RollBackRequest => {
  const parsed = rollBackRequestSchema.safeParse(input);
  if (parsed.success) return parsed.data;
  throw new PerennialError('PRN_INPUT_INVALID', `Cannot roll back from this input: ${z.prettifyError(parsed.error)}`);
};

const notFound = (pipeline: string, why: string): PerennialError =>
  new PerennialError(
    'PRN_NOT_FOUND',
    `Cannot roll "${pipeline}" back: ${why}; "perennial models list ${pipeline}" shows what there is`,
  );

/** Whoever rolls back twice means it once: the second would bring the version back that the first took away. */
const refuseTwice = async (deps: RollBackDeps, { pipeline }: RollBackRequest, generation: number): Promise<void> => {
  const [newest] = await deps.registry.promotions(pipeline);
  const [last] = await deps.rollouts.list(pipeline, 1);
  const byRollout = last?.state === 'rolled back' && last.segments.at(-1)?.generation === generation;
  if (!byRollout && !(newest?.kind === 'rollback' && newest.generation === generation)) return;
  const what = byRollout
    ? `version ${last?.version} was taken back (${last?.reason})`
    : `${newest?.actor} rolled it back (${newest?.reason})`;
  throw new PerennialError(
    'PRN_CONFLICT',
    `Cannot roll "${pipeline}" back further without a version as its last change was a roll-back: ${what}; name one with --to`,
  );
};

/** The champion before the present one, by the record of promotions. */
const previousChampion = async (deps: RollBackDeps, request: RollBackRequest, generation: number): Promise<VersionNumber> => {
  await refuseTwice(deps, request, generation);
  const { champion } = await deps.deployments.get(request.pipeline);
  const earlier = (await deps.registry.promotions(request.pipeline)).map(({ version }) => version);
  const found = earlier.find((version) => version !== null && version !== champion?.version) ?? null;
  if (found === null) throw notFound(request.pipeline, 'there was no champion before');
  return found;
};

const requireVersion = async (deps: RollBackDeps, { pipeline }: RollBackRequest, to: VersionNumber): Promise<VersionNumber> => {
  if (await deps.registry.get(pipeline, to)) return to;
  throw notFound(pipeline, `there is no version ${to}`);
};

/** A rollout that runs is what is taken back; a champion goes only where none runs, or where a version is named. */
export const createPlanRollBack =
  (deps: RollBackDeps) =>
  async (input: unknown): Promise<RollBackPlan> => {
    const request = parseRequest(input);
    const [deployment, running] = await Promise.all([
      deps.deployments.get(request.pipeline),
      deps.rollouts.running(request.pipeline),
    ]);
    const championVersion = deployment.champion?.version ?? null;
    const named = request.to === null ? null : await requireVersion(deps, request, request.to);
    const to = named ?? (running === null ? await previousChampion(deps, request, deployment.generation) : null);
    return {
      request: { ...request, generation: deployment.generation },
      rollout: running === null ? null : { id: running.id, version: running.version, workflowId: running.workflowId },
      to: to === championVersion ? null : to,
      championVersion,
      confirmWithinMs,
    };
  };
