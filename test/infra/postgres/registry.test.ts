import { beforeEach, describe, expect, it } from 'vitest';
import { sha256Of } from '../../../infra/objects/digest.ts';
import { createAudit } from '../../../infra/postgres/audit.ts';
import { createRegistry } from '../../../infra/postgres/registry.ts';
import type { Verdict } from '../../../workflows/domain/contracts/verdict.ts';
import type { PipelineName } from '../../../workflows/domain/units.ts';
import { applyFlights, candidate, flights, openBench, runKey, version } from './bench.ts';

let bench: Awaited<ReturnType<typeof openBench>>;
beforeEach(async () => {
  bench = await openBench();
  await applyFlights(bench);
  return bench.end;
});

const actions = async (): Promise<string[]> => (await createAudit(bench.db).list({ limit: 100 })).map((entry) => entry.action);

describe('register()', () => {
  it('numbers versions and keeps their lineage', async () => {
    const registry = createRegistry(bench.db);
    const first = await registry.register(candidate('a'), 'ada');
    expect(first).toEqual({ ...candidate('a'), version: 1, stage: 'registered', createdAt: first.createdAt });
    expect(first.createdAt).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    expect((await registry.register(candidate('b'), 'ada')).version).toBe(2);
    expect(await registry.get(flights, version(1))).toEqual(first);
    expect(await registry.get(flights, version(3))).toBeNull();
    expect((await registry.list()).map((one) => one.version)).toEqual([2, 1]);
  });

  it('returns the first version for a training key, with one audit entry', async () => {
    const registry = createRegistry(bench.db);
    const first = await registry.register(candidate('a'), 'ada');
    expect(await registry.register({ ...candidate('a'), modelSha256: sha256Of('other package') }, 'bob')).toEqual(first);
    expect((await actions()).filter((action) => action === 'version registered')).toHaveLength(1);
  });

  it('leaves no gap and no double where 24 candidates with 12 training keys register at once', async () => {
    const registries = Array.from({ length: 4 }, () => createRegistry(bench.open().db));
    const registered = await Promise.all(
      Array.from({ length: 24 }, (_, index) =>
        (registries[index % 4] as (typeof registries)[0]).register(candidate(`k${index % 12}`), 'ada'),
      ),
    );
    const numbers = [...new Set(registered.map((one) => one.version))].sort((a, b) => a - b);
    expect(numbers).toEqual(Array.from({ length: 12 }, (_, index) => index + 1));
    for (let index = 0; index < 12; index += 1) expect(registered[index]).toEqual(registered[index + 12]);
    expect((await actions()).filter((action) => action === 'version registered')).toHaveLength(12);
    expect(await createAudit(bench.db).verifyChain()).toMatchObject({ holds: true });
  });

  it('registers an imported model, which has no run and no data', async () => {
    const imported = { ...candidate('i'), runKey: null, snapshotSha256: null, definitionSha256: null };
    expect(await createRegistry(bench.db).register(imported, 'ada')).toMatchObject({
      version: 1,
      runKey: null,
      snapshotSha256: null,
    });
  });

  it('refuses a pipeline that was never applied', async () => {
    const unknown = { ...candidate('a'), pipeline: 'unknown' as PipelineName };
    await expect(createRegistry(bench.db).register(unknown, 'ada')).rejects.toMatchObject({ code: 'PRN_NOT_FOUND' });
  });

  it('writes nothing where a part of its transaction fails', async () => {
    const registry = createRegistry(bench.db);
    await expect(registry.register({ ...candidate('a'), snapshotSha256: sha256Of('unknown') }, 'ada')).rejects.toThrow(
      /foreign key/,
    );
    expect(await registry.list(flights)).toEqual([]);
    expect(await actions()).not.toContain('version registered');
    expect((await registry.register(candidate('a'), 'ada')).version).toBe(1);
  });
});

describe('the database itself', () => {
  it('refuses a second champion', async () => {
    const registry = createRegistry(bench.db);
    await registry.register(candidate('a'), 'ada');
    await registry.register(candidate('b'), 'ada');
    await expect(bench.pool.query(`update perennial.model_versions set stage = 'champion'`)).rejects.toThrow(/one_champion/);
  });
});

describe('recordEvaluation()', () => {
  const verdict: Verdict = { outcome: 'fail', reason: 'roc_auc 0.61 < 0.7', inequalities: [], evidenceIds: [] };
  const evaluation = { sha256: sha256Of('report'), pipeline: flights, runKey, verdict, decision: { margin: 0.005 } };

  it('keeps what the gate decided, once', async () => {
    const registry = createRegistry(bench.db);
    await registry.recordEvaluation(evaluation);
    await registry.recordEvaluation(evaluation);
    expect(await registry.evaluations(runKey)).toMatchObject([
      { sha256: evaluation.sha256, verdict: 'fail', reason: 'roc_auc 0.61 < 0.7', decision: { margin: 0.005 } },
    ]);
    expect((await actions()).filter((action) => action === 'candidate judged')).toHaveLength(1);
  });
});

describe('reject()', () => {
  it('turns a registered candidate down once, and no champion', async () => {
    const registry = createRegistry(bench.db);
    await registry.register(candidate('a'), 'ada');
    const rejection = { pipeline: flights, version: version(1), actor: 'bob', reason: 'too odd' };
    await registry.reject(rejection);
    await registry.reject(rejection);
    expect((await registry.get(flights, version(1)))?.stage).toBe('rejected');
    expect((await actions()).filter((action) => action === 'version rejected')).toHaveLength(1);
  });
});
