import { beforeEach, describe, expect, it } from 'vitest';
import { sha256Of } from '../../../infra/objects/digest.ts';
import { createAudit } from '../../../infra/postgres/audit.ts';
import { createDeployments } from '../../../infra/postgres/deployments.ts';
import { createRegistry } from '../../../infra/postgres/registry.ts';
import type { ServerReport } from '../../../workflows/domain/contracts/model-version.ts';
import type { Instant, PipelineName } from '../../../workflows/domain/units.ts';
import { applyFlights, candidate, flights, openBench, promotion, version } from './bench.ts';

let bench: Awaited<ReturnType<typeof openBench>>;
beforeEach(async () => {
  bench = await openBench();
  await applyFlights(bench);
  const registry = createRegistry(bench.db);
  for (const name of ['a', 'b', 'c']) await registry.register(candidate(name), 'ada');
  return bench.end;
});

describe('promote()', () => {
  it('makes a version champion, with its promotion and audit', async () => {
    const deployments = createDeployments(bench.db);
    expect(await deployments.get(flights)).toEqual({ pipeline: flights, generation: 0, champion: null, rollout: null });
    expect(await deployments.promote(promotion(1, 0, 'first'))).toEqual({ generation: 1, previousVersion: null });
    expect(await deployments.promote(promotion(2, 1, 'second'))).toEqual({ generation: 2, previousVersion: 1 });
    const champion = { version: 2, modelSha256: sha256Of('model b'), profileSha256: null };
    expect(await deployments.get(flights)).toEqual({ pipeline: flights, generation: 2, champion, rollout: null });
    expect(await deployments.list()).toEqual([await deployments.get(flights)]);
    const registry = createRegistry(bench.db);
    expect((await registry.list(flights)).map((one) => one.stage)).toEqual(['registered', 'champion', 'retired']);
    expect((await registry.champion(flights))?.version).toBe(2);
    expect((await registry.promotions(flights)).map((one) => [one.generation, one.version, one.previousVersion])).toEqual([
      [2, 2, 1],
      [1, 1, null],
    ]);
    const [newest] = await createAudit(bench.db).list({ subject: 'flights', limit: 1 });
    expect(newest).toMatchObject({
      actor: 'ada',
      action: 'champion promoted',
      detail: { generation: 2, version: 2, previousVersion: 1 },
    });
  });

  it('has one effect under one operation key, also after others were promoted', async () => {
    const deployments = createDeployments(bench.db);
    const first = await deployments.promote(promotion(1, 0, 'first'));
    await deployments.promote(promotion(2, 1, 'second'));
    expect(await deployments.promote(promotion(1, 0, 'first'))).toEqual(first);
    expect((await deployments.get(flights)).champion?.version).toBe(2);
    expect(await createRegistry(bench.db).promotions(flights)).toHaveLength(2);
  });

  it('refuses an operation key that stands for another promotion', async () => {
    const deployments = createDeployments(bench.db);
    await deployments.promote(promotion(1, 0, 'key'));
    await expect(deployments.promote(promotion(2, 1, 'key'))).rejects.toMatchObject({ code: 'PRN_CONFLICT' });
  });

  it('refuses a candidate that was compared with an older champion, naming both generations', async () => {
    const deployments = createDeployments(bench.db);
    await deployments.promote(promotion(1, 0, 'first'));
    await expect(deployments.promote(promotion(2, 0, 'late'))).rejects.toMatchObject({
      code: 'PRN_DEPLOY_CONFLICT',
      message: expect.stringMatching(/must be 0.*it is 1, with version 1/),
    });
  });

  it('refuses versions that are unknown or rejected, and changes nothing', async () => {
    const deployments = createDeployments(bench.db);
    await deployments.promote(promotion(1, 0, 'first'));
    await createRegistry(bench.db).reject({ pipeline: flights, version: version(3), actor: 'bob', reason: 'no' });
    await expect(deployments.promote(promotion(9, 1, 'unknown'))).rejects.toMatchObject({ code: 'PRN_NOT_FOUND' });
    await expect(deployments.promote(promotion(3, 1, 'rejected'))).rejects.toMatchObject({ code: 'PRN_CONFLICT' });
    await expect(deployments.promote({ ...promotion(1, 0, 'else'), pipeline: 'else' as PipelineName })).rejects.toMatchObject({
      code: 'PRN_NOT_FOUND',
    });
    expect(await deployments.get(flights)).toMatchObject({ generation: 1, champion: { version: 1 } });
    expect((await createRegistry(bench.db).champion(flights))?.version).toBe(1);
  });

  it('rolls back to the version before, and to none', async () => {
    const deployments = createDeployments(bench.db);
    await deployments.promote(promotion(1, 0, 'first'));
    await deployments.promote(promotion(2, 1, 'second'));
    expect(await deployments.promote({ ...promotion(1, 2, 'back'), kind: 'rollback' })).toEqual({
      generation: 3,
      previousVersion: 2,
    });
    expect((await deployments.get(flights)).champion?.version).toBe(1);
    expect(await deployments.promote({ ...promotion(null, 3, 'none'), kind: 'rollback' })).toEqual({
      generation: 4,
      previousVersion: 1,
    });
    expect(await deployments.get(flights)).toEqual({ pipeline: flights, generation: 4, champion: null, rollout: null });
    expect(await createRegistry(bench.db).champion(flights)).toBeNull();
  });

  it('lets exactly one of 16 concurrent promoters win each generation', async () => {
    const promoters = Array.from({ length: 4 }, () => createDeployments(bench.open().db));
    for (let generation = 0; generation < 8; generation += 1) {
      const tries = Array.from({ length: 16 }, (_, index) =>
        (promoters[index % 4] as (typeof promoters)[0]).promote(promotion((index % 3) + 1, generation, `${generation}/${index}`)),
      );
      const ends = await Promise.allSettled(tries);
      expect(ends.filter((end) => end.status === 'fulfilled')).toHaveLength(1);
      const codes = ends.flatMap((end) => (end.status === 'rejected' ? [(end.reason as { code: string }).code] : []));
      expect(new Set(codes)).toEqual(new Set(['PRN_DEPLOY_CONFLICT']));
    }
    const champions = (await createRegistry(bench.db).list(flights)).filter((one) => one.stage === 'champion');
    expect(champions).toHaveLength(1);
    expect(await createDeployments(bench.db).get(flights)).toMatchObject({
      generation: 8,
      champion: { version: champions[0]?.version },
    });
    expect(await createAudit(bench.db).verifyChain()).toMatchObject({ holds: true });
  });

  it('has one effect where 16 retries of one promotion run at once', async () => {
    const promoters = Array.from({ length: 4 }, () => createDeployments(bench.open().db));
    const effects = await Promise.all(
      Array.from({ length: 16 }, (_, index) => (promoters[index % 4] as (typeof promoters)[0]).promote(promotion(1, 0, 'same'))),
    );
    expect(new Set(effects.map((effect) => effect.generation))).toEqual(new Set([1]));
    expect(await createRegistry(bench.db).promotions(flights)).toHaveLength(1);
  });
});

describe('server reports', () => {
  const report = (serverId: string): ServerReport => ({
    serverId,
    pipeline: flights,
    generation: 1,
    modelSha256: sha256Of('model a'),
    candidateSha256: null,
    share: 0,
    state: 'serving',
    reason: null,
    reportedAt: '2001-01-01T00:00:00.000Z' as Instant,
  });

  it('are the latest of each server, dated by the database', async () => {
    const deployments = createDeployments(bench.db);
    await deployments.report({ ...report('s1'), state: 'loading', generation: 0, modelSha256: null });
    await deployments.report(report('s1'));
    await deployments.report({ ...report('s2'), state: 'refused', reason: 'golden row 3\u0000' });
    const said = await deployments.serverReports(flights, 60_000);
    expect(said).toMatchObject([
      { serverId: 's1', state: 'serving', generation: 1 },
      { serverId: 's2', state: 'refused', reason: 'golden row 3\uFFFD' },
    ]);
    expect(Date.parse(said[0]?.reportedAt ?? '')).toBeGreaterThan(Date.parse('2020-01-01'));
  });

  it('are left out when they are old, and when the server closed', async () => {
    const deployments = createDeployments(bench.db);
    await deployments.report(report('s1'));
    await deployments.report(report('s2'));
    await bench.pool.query(`update perennial.server_reports set reported_at = now() - interval '11 s' where server_id = 's1'`);
    expect((await deployments.serverReports(flights, 10_000)).map((one) => one.serverId)).toEqual(['s2']);
    await deployments.forgetServer('s2');
    expect(await deployments.serverReports(flights, 10_000)).toEqual([]);
  });
});

describe('listen()', () => {
  it('tells of promotions, and again after its connection was ended', async () => {
    const deployments = createDeployments(bench.db);
    const heard: (string | null)[] = [];
    const listener = deployments.listen((pipeline) => heard.push(pipeline));
    try {
      await expect.poll(() => heard).toEqual([null]);
      await deployments.promote(promotion(1, 0, 'first'));
      await expect.poll(() => heard).toEqual([null, flights]);
      const ended = await bench.pool.query(
        `select pg_terminate_backend(pid) from pg_stat_activity where query like 'listen %' and datname = current_database()`,
      );
      expect(ended.rowCount).toBe(1);
      await expect.poll(() => heard, { timeout: 10_000 }).toEqual([null, flights, null]);
      await deployments.promote(promotion(2, 1, 'second'));
      await expect.poll(() => heard).toEqual([null, flights, null, flights]);
    } finally {
      await listener.close();
    }
  });

  it('closes while nobody answers', async () => {
    const { listenForServing } = await import('../../../infra/postgres/notify.ts');
    const listener = listenForServing('postgres://nobody@127.0.0.1:1/none', () => {});
    await listener.close();
  });
});
