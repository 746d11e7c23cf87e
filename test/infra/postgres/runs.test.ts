import { beforeEach, describe, expect, it } from 'vitest';
import { sha256Of } from '../../../infra/objects/digest.ts';
import { createAudit } from '../../../infra/postgres/audit.ts';
import { createRuns } from '../../../infra/postgres/runs.ts';
import { createStepLedger } from '../../../infra/postgres/step-ledger.ts';
import type { RetrainOutcome } from '../../../workflows/domain/contracts/retrain.ts';
import type { Instant, RunKey } from '../../../workflows/domain/units.ts';
import { applyFlights, flights, openBench, request, runKey } from './bench.ts';

const workflowId = `retrain/flights/${runKey}`;
let bench: Awaited<ReturnType<typeof openBench>>;
beforeEach(async () => {
  bench = await openBench();
  await applyFlights(bench);
  return bench.end;
});

const outcome = (verdict: RetrainOutcome['verdict'], reason: string): RetrainOutcome => ({
  workflowId,
  runKey,
  pipeline: flights,
  verdict,
  reason,
  gate: null,
  dataVersion: null,
  modelVersion: null,
  metrics: { roc_auc: 0.7 },
});

describe('runs', () => {
  it('begin once and tell what they were asked', async () => {
    const runs = createRuns(bench.db);
    const before = await runs.get(runKey);
    await runs.begin(request, workflowId);
    expect(await runs.get(runKey)).toEqual(before);
    expect(before).toMatchObject({ runKey, workflowId, trigger: request.trigger, cutoff: null, endedAt: null, outcome: null });
  });

  it('keep instants to the millisecond', async () => {
    const other = { ...request, runKey: 'fedcba9876543210' as RunKey, cutoff: '2001-02-03T04:05:06.789Z' as Instant };
    const runs = createRuns(bench.db);
    await runs.begin(other, 'retrain/flights/fedcba9876543210');
    expect((await runs.get(other.runKey))?.cutoff).toBe('2001-02-03T04:05:06.789Z');
    expect((await runs.list({ pipeline: flights, limit: 1 })).map((run) => run.runKey)).toEqual([other.runKey]);
    expect(await runs.list({ limit: 5 })).toHaveLength(2);
  });

  it('need an applied definition', async () => {
    const unknown = { ...request, runKey: 'ffffffffffffffff' as RunKey, definitionSha256: sha256Of('never applied') };
    await expect(createRuns(bench.db).begin(unknown, 'retrain/flights/x')).rejects.toMatchObject({
      code: 'PRN_DEFINITION_UNKNOWN',
    });
  });

  it('end once: the first ending wins', async () => {
    const runs = createRuns(bench.db);
    await runs.finish(outcome('promoted', 'first'));
    await runs.finish(outcome('rejected', 'second'));
    expect(await runs.get(runKey)).toMatchObject({ outcome: 'promoted', result: outcome('promoted', 'first') });
    expect(await createAudit(bench.db).list({ subject: `flights/runs/${runKey}`, limit: 5 })).toMatchObject([
      { actor: 'ada', action: 'run ended', detail: { verdict: 'promoted' } },
    ]);
    await runs.begin(request, workflowId);
    expect((await runs.get(runKey))?.outcome).toBe('promoted');
  });

  it('that failed can be started again', async () => {
    const runs = createRuns(bench.db);
    await runs.recordStage(runKey, 'ingest', 'done', '10 rows');
    await runs.finish(outcome('failed', 'the disk was full'));
    await runs.begin(request, workflowId);
    expect(await runs.get(runKey)).toMatchObject({ outcome: null, endedAt: null, result: null });
    expect(await runs.stages(runKey)).toEqual([]);
    await runs.finish(outcome('promoted', 'second try'));
    expect((await runs.get(runKey))?.outcome).toBe('promoted');
  });

  it('that were never admitted end without a row', async () => {
    await createRuns(bench.db).finish({ ...outcome('failed', 'x'), runKey: 'aaaaaaaaaaaaaaaa' as RunKey });
    expect(await createRuns(bench.db).get('aaaaaaaaaaaaaaaa' as RunKey)).toBeNull();
  });

  it('keep stages in order, and a stage that is done stays done', async () => {
    const runs = createRuns(bench.db);
    await runs.recordStage(runKey, 'ingest', 'started', '');
    await runs.recordStage(runKey, 'ingest', 'done', '10 rows\u0000');
    await runs.recordStage(runKey, 'validate', 'started', '');
    await runs.recordStage(runKey, 'ingest', 'started', 'a late attempt');
    const stages = await runs.stages(runKey);
    expect(stages.map((stage) => [stage.stage, stage.state, stage.summary])).toEqual([
      ['ingest', 'done', '10 rows\uFFFD'],
      ['validate', 'started', ''],
    ]);
  });

  it('keep metrics by step, the last value of each', async () => {
    const runs = createRuns(bench.db);
    await runs.recordMetrics(runKey, []);
    await runs.recordMetrics(runKey, [
      { name: 'loss', step: 1, value: 0.5 },
      { name: 'loss', step: 1, value: 0.4 },
      { name: 'loss', step: 10, value: 1e-300 },
    ]);
    await runs.recordMetrics(runKey, [{ name: 'loss', step: 2, value: 0.3 }]);
    expect(await runs.metrics(runKey)).toEqual([
      { name: 'loss', step: 1, value: 0.4 },
      { name: 'loss', step: 2, value: 0.3 },
      { name: 'loss', step: 10, value: 1e-300 },
    ]);
  });
});

describe('the step ledger', () => {
  it('returns the first result for a key, whoever records', async () => {
    const ledgers = Array.from({ length: 4 }, () => createStepLedger(bench.open().db));
    const results = await Promise.all(
      Array.from({ length: 16 }, (_, writer) => (ledgers[writer % 4] as (typeof ledgers)[0]).record('key', 'freeze', { writer })),
    );
    expect(new Set(results.map((result) => JSON.stringify(result))).size).toBe(1);
    expect(await createStepLedger(bench.db).find('key')).toEqual(results[0]);
    expect(await createStepLedger(bench.db).find('other')).toBeNull();
  });

  it.each([[[1, 2]], ['text'], [7], [{ a: [null, 'ä\u0000'] }]])('keeps %j', async (result) => {
    const ledger = createStepLedger(bench.db);
    const kept = await ledger.record('key', 'step', result);
    expect(kept).toEqual(JSON.parse(JSON.stringify(result).replace('\\u0000', '\uFFFD')));
    expect(await ledger.find('key')).toEqual(kept);
  });
});
