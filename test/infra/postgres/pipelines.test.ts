import { beforeEach, describe, expect, it } from 'vitest';
import { createAudit } from '../../../infra/postgres/audit.ts';
import { createDefinitions } from '../../../infra/postgres/definitions.ts';
import { createDeployments } from '../../../infra/postgres/deployments.ts';
import { createPipelines } from '../../../infra/postgres/pipelines.ts';
import { createRegistry } from '../../../infra/postgres/registry.ts';
import { createRuns } from '../../../infra/postgres/runs.ts';
import type { PipelineName, RunKey } from '../../../workflows/domain/units.ts';
import { candidate, definitionSha256, flights, openBench, promotion, request, runKey, version } from './bench.ts';

let bench: Awaited<ReturnType<typeof openBench>>;
beforeEach(async () => {
  bench = await openBench();
  await createDefinitions(bench.db).apply(flights, null, { name: 'flights' }, definitionSha256, 'c0ffee', 'ada');
  return bench.end;
});
const wish = (actor = 'ada') => ({ pipeline: flights, actor, reason: 'holidays' });
const actions = async (): Promise<string[]> => (await createAudit(bench.db).list({ limit: 50 })).map(({ action }) => action);

describe('a pipeline', () => {
  it('rests from the first pause to the next resume, and each is on record once', async () => {
    const pipelines = createPipelines(bench.db);
    expect(await pipelines.state(flights)).toEqual({ paused: null, deletedAt: null });
    const paused = await Promise.all(Array.from({ length: 8 }, (_, index) => pipelines.pause(wish(`operator ${index}`))));
    expect(paused.filter(({ changed }) => changed)).toHaveLength(1);
    expect((await pipelines.state(flights))?.paused).toMatchObject({
      by: expect.stringMatching(/^operator/),
      reason: 'holidays',
    });
    expect(await pipelines.resume(wish())).toEqual({ changed: true });
    expect(await pipelines.resume(wish())).toEqual({ changed: false });
    expect(await pipelines.state(flights)).toEqual({ paused: null, deletedAt: null });
    expect((await actions()).filter((action) => action === 'pipeline paused' || action === 'pipeline resumed')).toHaveLength(2);
  });

  it('that was never applied cannot rest', async () => {
    const pipelines = createPipelines(bench.db);
    const nobody = { ...wish(), pipeline: 'nobody' as PipelineName };
    await expect(pipelines.pause(nobody)).rejects.toMatchObject({ code: 'PRN_NOT_FOUND' });
    await expect(pipelines.remove(nobody, [])).rejects.toMatchObject({ code: 'PRN_NOT_FOUND' });
    expect(await pipelines.state('nobody' as PipelineName)).toBeNull();
  });

  it('is not deleted while a run goes on, and is once the run has ended, by the record or for Temporal', async () => {
    const pipelines = createPipelines(bench.db);
    await createRuns(bench.db).begin(request, `retrain/flights/${runKey}`);
    expect(await pipelines.openRuns(flights)).toEqual([{ runKey, workflowId: `retrain/flights/${runKey}` }]);
    await expect(pipelines.remove(wish(), [])).rejects.toMatchObject({ code: 'PRN_CONFLICT' });
    await expect(pipelines.remove(wish(), ['ffffffffffffffff' as RunKey])).rejects.toThrow(`perennial cancel ${runKey}`);
    expect(await pipelines.state(flights)).toMatchObject({ deletedAt: null });
    expect(await pipelines.remove(wish(), [runKey])).toEqual({ changed: true });
    expect(await pipelines.remove(wish(), [])).toEqual({ changed: false });
  });

  it('is not deleted while a rollout goes on', async () => {
    const registry = createRegistry(bench.db);
    await registry.register({ ...candidate('1'), snapshotSha256: null, runKey: null }, 'ada');
    await bench.db
      .insertInto('rollouts')
      .values({
        id: 'r1',
        pipeline: flights,
        version: 1,
        strategy: 'canary',
        workflow_id: 'roll-out/flights/1',
        policy: '{}',
        state: 'running',
        segments: '[]',
        started_by: 'ada',
        reason: 'new',
      } as never)
      .execute();
    await expect(createPipelines(bench.db).remove(wish(), [])).rejects.toThrow('while roll-out/flights/1 goes on');
  });

  it('that was deleted has no definition, cannot rest, and is served nothing new; its history stays and an apply brings it back', async () => {
    const [pipelines, definitions, deployments] = [
      createPipelines(bench.db),
      createDefinitions(bench.db),
      createDeployments(bench.db),
    ];
    await createRegistry(bench.db).register({ ...candidate('1'), snapshotSha256: null, runKey: null }, 'ada');
    await pipelines.pause(wish());
    await pipelines.remove(wish(), []);
    expect(await definitions.current(flights)).toBeNull();
    expect(await definitions.find(definitionSha256)).not.toBeNull();
    await expect(pipelines.pause(wish())).rejects.toMatchObject({ code: 'PRN_CONFLICT' });
    await expect(deployments.promote(promotion(1, 0, 'late'))).rejects.toMatchObject({ code: 'PRN_CONFLICT' });
    expect(await createRegistry(bench.db).get(flights, version(1))).not.toBeNull();
    const back = await definitions.apply(flights, null, { name: 'flights' }, definitionSha256, 'c0ffee', 'ada');
    expect(back.changed).toBe(true);
    expect(await pipelines.state(flights)).toEqual({ paused: null, deletedAt: null });
    expect(await definitions.current(flights)).toMatchObject({ sha256: definitionSha256 });
    expect(await deployments.promote(promotion(1, 0, 'again'))).toMatchObject({ generation: 1 });
  });
});
