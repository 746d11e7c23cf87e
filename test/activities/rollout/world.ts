/** A pipeline with a champion and a candidate on a real database; servers and traffic are rows that the test writes. */
import type { ArmTally } from '#domain/contracts/capture.ts';
import type { ServerReport } from '#domain/contracts/model-version.ts';
import type { RolloutRequest } from '#domain/contracts/rollout.ts';
import type { PipelineName, Sha256 } from '#domain/units.ts';
import type { CpuDeps } from '../../../activities/deps.ts';
import { createBeginRollout, createEndRollout, createShiftTraffic } from '../../../activities/rollout/change.ts';
import { createCountHarm } from '../../../activities/rollout/harm.ts';
import { createObserveRollout } from '../../../activities/rollout/observe.ts';
import { createPlanRollout } from '../../../activities/rollout/plan.ts';
import { digestOfJson, sha256Of } from '../../../infra/objects/digest.ts';
import { createDefinitions } from '../../../infra/postgres/definitions.ts';
import { createDeployments } from '../../../infra/postgres/deployments.ts';
import { createRegistry } from '../../../infra/postgres/registry.ts';
import { createRollouts } from '../../../infra/postgres/rollouts.ts';
import { createTallySink } from '../../../infra/postgres/tallies.ts';
import { createTallies } from '../../../infra/postgres/tally-totals.ts';
import { applyFlights, candidate, flights, openBench, promotion, version } from '../../infra/postgres/bench.ts';

export { flights, version };
export const [champion, challenger] = [sha256Of('model a'), sha256Of('model b')];

/** A pipeline file with these rules of rollout. */
const fileOf = (rollout: unknown) => ({
  name: 'flights',
  data: { source: 'flights.csv', label: 'late', columns: { late: { type: 'boolean' }, distance: { type: 'number' } } },
  rollout,
});

export type RolloutWorld = Awaited<ReturnType<typeof openRolloutWorld>>;

export const openRolloutWorld = async (compareArmsOnLabels?: CpuDeps['compareArmsOnLabels']) => {
  const bench = await openBench();
  await applyFlights(bench);
  for (const name of ['a', 'b', 'c']) await createRegistry(bench.db).register(candidate(name), 'ada');
  const deps = {
    definitions: createDefinitions(bench.db),
    deployments: createDeployments(bench.db),
    registry: createRegistry(bench.db),
    rollouts: createRollouts(bench.db),
    tallies: createTallies(bench.db),
    compareArmsOnLabels: compareArmsOnLabels ?? (() => Promise.reject(new Error('no labels are asked for'))),
  };
  await deps.deployments.promote(promotion(1, 0, 'first'));
  const sink = createTallySink(bench.db, () => Promise.reject(new Error('no windows are counted')));
  const steps = {
    plan: createPlanRollout(deps),
    begin: createBeginRollout(deps),
    shift: createShiftTraffic(deps),
    end: createEndRollout(deps),
    observe: createObserveRollout(deps),
    harm: createCountHarm(deps),
  };
  const request = async (rollout: unknown, over: Partial<RolloutRequest> = {}): Promise<RolloutRequest> => {
    const file = fileOf(rollout);
    const definitionSha256 = digestOfJson(file);
    await deps.definitions.apply(flights, '/pipelines/flights', file, definitionSha256, 'c0ffee', 'ada');
    const whom = { version: version(2), championVersion: version(1), by: 'ada', reason: 'the gate passed' };
    return { format: 1, pipeline: flights, definitionSha256, ...whom, ...over };
  };
  /** What a server would report that does what is wanted, but for `over`. */
  const report = async (serverId: string, over: Partial<ServerReport> = {}): Promise<void> => {
    const { generation, champion: serving, rollout } = await deps.deployments.get(flights);
    await deps.deployments.report({
      serverId,
      pipeline: flights,
      generation,
      modelSha256: serving?.modelSha256 ?? null,
      candidateSha256: rollout?.candidate.modelSha256 ?? null,
      share: rollout?.share ?? 0,
      state: 'serving',
      reason: null,
      reportedAt: '2001-01-01T00:00:00.000Z' as ServerReport['reportedAt'],
      ...over,
    });
  };
  let sequence = 0;
  const count = async (
    arm: ArmTally['arm'],
    generation: number,
    requests: number,
    over: Partial<ArmTally> = {},
  ): Promise<void> => {
    sequence += 1;
    await sink.recordArms([
      {
        serverId: 'server-1',
        epoch: 'first',
        sequence,
        pipeline: flights as PipelineName,
        generation,
        arm,
        modelSha256: (arm === 'champion' ? champion : challenger) as Sha256,
        requests,
        units: requests,
        events: { errors: 0 },
        lastEventAt: null,
        latency: { zeros: 0, bins: {} },
        shadow: null,
        ...over,
      },
    ]);
  };
  return { bench, deps, steps, request, report, count };
};
