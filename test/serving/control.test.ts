import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Database, openDatabase } from '../../infra/postgres/pool.ts';
import { createRuns } from '../../infra/postgres/runs.ts';
import { createSnapshots } from '../../infra/postgres/snapshots.ts';
import { createWebhooks } from '../../infra/postgres/webhooks.ts';
import { silentLogger } from '../../infra/telemetry/logger.ts';
import { createMetrics } from '../../infra/telemetry/metrics.ts';
import { buildControlApp } from '../../serving/control/app.ts';
import { readersOf } from '../../serving/control/server.ts';
import type { RetrainRequest } from '../../workflows/domain/contracts/retrain.ts';
import type { Instant, PipelineName, RunKey, Sha256, VersionNumber } from '../../workflows/domain/units.ts';
import { get } from './support/http.ts';
import { startServeProcess } from './support/serve-process.ts';
import { createWorld, type World } from './support/world.ts';

let world: World;
let app: ReturnType<typeof buildControlApp>;
let modelSha256: Sha256;
const churn = 'churn' as PipelineName;
const runKey = '0123456789abcdef' as RunKey;
const workflowId = `retrain/churn/${runKey}`;
const sha = (digit: string) => digit.repeat(64) as Sha256;
const reason = 'roc_auc must be at least 0.7: 0.75 >= 0.7 <script>alert(1)</script>';

/** A finished run with all that belongs to it, written as the steps write it. */
const recordRun = async (): Promise<void> => {
  const runs = createRuns(world.db);
  const request: RetrainRequest = {
    format: 1,
    pipeline: churn,
    runKey,
    definitionSha256: await world.applyPipeline(churn),
    codeVersion: 'abc',
    listingSha256: sha('a'),
    cutoff: null,
    trigger: { kind: 'command', by: 'ada', reason: 'asked' },
  };
  await runs.begin(request, workflowId);
  await runs.recordStage(runKey, 'ingest', 'done', '100 rows');
  await runs.recordMetrics(runKey, [{ name: 'roc_auc', step: 1, value: 0.75 }]);
  await createSnapshots(world.db).record({
    sha256: sha('b'),
    pipeline: churn,
    rows: 100,
    bytes: 2_000,
    partCount: 1,
    firstEventAt: '2001-01-01T00:00:00.000Z' as Instant,
    lastEventAt: null,
  });
  await world.registry.recordEvaluation({
    sha256: sha('c'),
    pipeline: churn,
    runKey,
    verdict: { outcome: 'pass', reason, inequalities: [], evidenceIds: [] },
    decision: { inequalities: [{ left: 0.75, operator: '>=', right: 0.7 }] },
  });
  await runs.finish({
    workflowId,
    runKey,
    pipeline: churn,
    verdict: 'promoted',
    reason,
    gate: {
      outcome: 'pass',
      reason,
      inequalities: [{ what: 'roc_auc must be at least 0.7', left: 0.75, operator: '>=', right: 0.7, holds: true }],
      evidenceIds: [],
    },
    dataVersion: sha('b'),
    modelVersion: 1 as VersionNumber,
    metrics: { roc_auc: 0.75 },
  });
};

const waysIn = (db: Database['db']) => ({
  webhooks: createWebhooks(db),
  senders: { tokens: [], keys: [] },
  clock: () => Date.now(),
  onAccepted: () => {},
});

beforeAll(async () => {
  world = await createWorld();
  await recordRun();
  ({ modelSha256 } = await world.deploy({ pipeline: 'churn', bias: -1 }));
  await world.deployments.report({
    serverId: 'here:8080',
    pipeline: churn,
    generation: 1,
    modelSha256,
    candidateSha256: null,
    share: 0,
    state: 'serving',
    reason: null,
    reportedAt: '2001-01-01T00:00:00.000Z' as Instant,
  });
  app = buildControlApp({
    log: silentLogger(),
    metrics: createMetrics(),
    allowedHosts: 'loopback',
    links: { predict: 'http://127.0.0.1:8080', workflow: (id) => `http://127.0.0.1:8233/${encodeURIComponent(id)}` },
    waysIn: waysIn(world.db),
    ...readersOf(world.db, world.store.content),
  });
});
afterAll(async () => {
  await app.close();
  await world.close();
});

const ask = async (url: string) => {
  const response = await app.inject({ url, headers: { host: 'localhost' } });
  return { status: response.statusCode, headers: response.headers, body: response.json() };
};

describe('the API', () => {
  test('lists runs and shows one with its stages, metrics and decisions', async () => {
    const { body } = await ask('/api/runs?pipeline=churn&limit=5');
    expect(body.runs).toMatchObject([{ runKey, workflowId, outcome: 'promoted', result: { reason } }]);
    expect((await ask('/api/runs?pipeline=none')).body.runs).toEqual([]);
    const one = await ask(`/api/runs/${runKey}`);
    expect(one.body).toMatchObject({
      run: { trigger: { kind: 'command', by: 'ada' } },
      stages: [{ stage: 'ingest', state: 'done', summary: '100 rows' }],
      metrics: [{ name: 'roc_auc', step: 1, value: 0.75 }],
      decisions: [{ verdict: 'pass', reason }],
    });
  });

  test('shows versions, decisions, deployments with their servers, and snapshots', async () => {
    expect((await ask('/api/pipelines')).body.pipelines).toMatchObject([{ name: 'churn' }]);
    const models = (await ask('/api/models/churn')).body;
    expect(models).toMatchObject({ champion: 1, versions: [{ version: 1, stage: 'champion', modelSha256 }] });
    expect(models.promotions).toMatchObject([{ generation: 1, kind: 'promote', version: 1, previousVersion: null }]);
    expect((await ask('/api/models/churn/1')).body).toMatchObject({ version: 1, trainer: 'reference' });
    expect((await ask('/api/decisions?pipeline=churn')).body.decisions).toMatchObject([
      { runKey, workflowId, verdict: 'pass', reason, decision: { inequalities: [{ left: 0.75 }] } },
    ]);
    expect((await ask('/api/deployments')).body.deployments).toMatchObject([
      {
        pipeline: 'churn',
        generation: 1,
        champion: { version: 1, modelSha256 },
        servers: [{ serverId: 'here:8080', state: 'serving' }],
      },
    ]);
    expect((await ask('/api/snapshots/churn')).body.snapshots).toMatchObject([
      { sha256: sha('b'), rows: 100, lastEventAt: null },
    ]);
  });

  test.each([
    ['/api/runs/ffffffffffffffff', 404, 'PRN_NOT_FOUND'],
    ['/api/models/none', 404, 'PRN_NOT_FOUND'],
    ['/api/models/churn/99', 404, 'PRN_NOT_FOUND'],
    ['/api/nothing', 404, 'PRN_NOT_FOUND'],
    ['/api/runs?limit=0', 400, 'PRN_INPUT_INVALID'],
    ['/api/runs/nothex', 400, 'PRN_INPUT_INVALID'],
    ['/api/models/Churn', 400, 'PRN_INPUT_INVALID'],
    ['/api/models/churn/one', 400, 'PRN_INPUT_INVALID'],
  ])('answers %s with %i and a code', async (url, status, code) => {
    const answered = await ask(url);
    expect([answered.status, answered.body.error.code]).toEqual([status, code]);
  });

  test('describes itself, every list and every item', async () => {
    const { body } = await ask('/openapi.json');
    expect(body.openapi).toBe('3.1.0');
    for (const path of [
      '/api/runs',
      '/api/runs/{runKey}',
      '/api/models/{pipeline}/{version}',
      '/api/decisions',
      '/api/deployments',
    ]) {
      expect(body.paths[path]?.get?.responses?.['200']?.content?.['application/json']?.schema).toBeDefined();
    }
  });

  test('is ready while the database answers, and says so when it does not', async () => {
    expect((await ask('/v2/health/ready')).body).toEqual({ live: true, ready: true });
    const gone = openDatabase('postgresql://nobody@127.0.0.1:1/nothing');
    const lost = buildControlApp({
      log: silentLogger(),
      metrics: createMetrics(),
      allowedHosts: 'loopback',
      links: { predict: null, workflow: null },
      waysIn: waysIn(gone.db),
      ...readersOf(gone.db, world.store.content),
    });
    const ready = await lost.inject({ url: '/v2/health/ready', headers: { host: 'localhost' } });
    expect([ready.statusCode, ready.json()]).toEqual([503, { live: true, ready: false, reasons: ['Database does not answer'] }]);
    const runs = await lost.inject({ url: '/api/runs', headers: { host: 'localhost' } });
    expect([runs.statusCode, runs.json().error.code]).toEqual([503, 'PRN_UNREACHABLE']);
    await lost.close();
    await gone.close();
  });
});

describe('the page', () => {
  test('shows pipelines, runs and decisions, escaped, and may load nothing', async () => {
    const page = await app.inject({ url: '/', headers: { host: 'localhost' } });
    expect(page.headers['content-type']).toBe('text/html; charset=utf-8');
    expect(page.headers['content-security-policy']).toMatch(/^default-src 'none'; style-src 'sha256-/);
    expect(page.body).toContain('<h3>churn</h3>');
    expect(page.body).toContain(`href="/runs/${runKey}"`);
    expect(page.body).not.toContain(`href="/api/runs/${runKey}"`);
    expect(page.body).toContain('&lt;script&gt;');
    expect(page.body).not.toContain('<script');
    expect(page.body).toContain(`http://127.0.0.1:8233/${encodeURIComponent(workflowId)}`);
    expect(page.body).not.toMatch(/(src|href)="(https?:)?\/\/(?!127\.0\.0\.1)/);
  });

  test('has a page for a run: how it ended, what its gate compared, its stages, escaped', async () => {
    const { statusCode, headers, body } = await app.inject({ url: `/runs/${runKey}`, headers: { host: 'localhost' } });
    expect([statusCode, headers['content-type']]).toEqual([200, 'text/html; charset=utf-8']);
    expect(body).toContain(`<h1>run ${runKey} of churn</h1>`);
    expect(body).toContain('<h2>promoted, version 1</h2>');
    expect(body).toContain('0.75 &gt;= 0.7 &lt;script&gt;');
    expect(body).toMatch(/roc_auc must be at least 0.7<\/td><td class="n">0.75<\/td>.*holds<\/td><td class="">decided<\/td>/);
    expect(body).toContain('100 rows');
    expect(body).toContain(`href="/api/runs/${runKey}"`);
    expect(body).not.toContain('<script');
  });

  test.each(['/runs/ffffffffffffffff', '/runs/nothex', '/runs/%3Cscript%3E'])('%s is not found', async (url) => {
    expect((await ask(url)).status).toBe(404);
  });

  test('is served by the process `perennial control`, which ends with 0', async () => {
    const control = await startServeProcess(world, { command: 'control' });
    expect((await get(`${control.url}/`)).body).toContain('<h3>churn</h3>');
    expect((await get(`${control.url}/metrics`)).body).toContain(
      'http_server_request_duration_seconds_count{http_request_method="GET",http_route="/"',
    );
    expect(await control.end('SIGTERM')).toBe(0);
  });
});
