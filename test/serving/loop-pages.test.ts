/** The pages that notices point to: a pipeline as it stands, and one decision. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { digestOfJson } from '../../infra/objects/digest.ts';
import { createDecisions } from '../../infra/postgres/decisions.ts';
import { createDefinitions } from '../../infra/postgres/definitions.ts';
import { createWebhooks } from '../../infra/postgres/webhooks.ts';
import { silentLogger } from '../../infra/telemetry/logger.ts';
import { createMetrics } from '../../infra/telemetry/metrics.ts';
import { buildControlApp } from '../../serving/control/app.ts';
import { readersOf } from '../../serving/control/server.ts';
import { type StoredStory, storeStory } from '../support/loop/store.ts';
import { flights } from '../support/loop/world.ts';

let stored: StoredStory;
let app: ReturnType<typeof buildControlApp>;

beforeAll(async () => {
  stored = await storeStory();
  app = buildControlApp({
    log: silentLogger(),
    metrics: createMetrics(),
    allowedHosts: 'loopback',
    links: { predict: null, workflow: null },
    waysIn: {
      webhooks: createWebhooks(stored.db),
      senders: { tokens: [], keys: [] },
      clock: () => Date.now(),
      onAccepted: () => {},
    },
    ...readersOf(stored.db, stored.content),
  });
});
afterAll(async () => {
  await app.close();
  await stored.close();
});

const ask = (url: string) => app.inject({ url, headers: { host: 'localhost' } });

describe('GET /pipelines/NAME', () => {
  test('is the report of now: nothing may run, and nothing is fetched', async () => {
    const { statusCode, headers, body } = await ask('/pipelines/flights');
    expect(statusCode).toBe(200);
    expect(headers['content-type']).toBe('text/html; charset=utf-8');
    expect(headers['content-security-policy']).toContain("default-src 'none'");
    expect(headers['content-security-policy']).toContain("frame-ancestors 'none'");
    expect(body).toContain('<h4>dep_hour has drifted (PSI ');
    expect(body).not.toContain('<script');
  });

  test.each(['/pipelines/none', '/pipelines/%3Cscript%3E', '/pipelines/__proto__'])('%s is not found, in words', async (url) => {
    const { statusCode, json } = await ask(url);
    expect(statusCode).toBe(404);
    expect(JSON.stringify(json())).toContain('see GET /api/pipelines');
  });
});

describe('GET /decisions/NUMBER', () => {
  test('has the sentence, the inequalities, and all that it was made from, escaped', async () => {
    const [newest] = await createDecisions(stored.db).list(flights, { kinds: ['drift'], limit: 1 });
    const { statusCode, body } = await ask(`/decisions/${newest?.id}`);
    expect(statusCode).toBe(200);
    expect(body).toContain(`<h1>decision/${newest?.id} of flights</h1>`);
    expect(body).toContain('critical features in drift (dep_hour)');
    expect(body).toContain('&quot;significance&quot;: 0.05');
    expect(body).not.toContain('<script');
  });

  test.each(['/decisions/999999', '/decisions/x', '/decisions/1%20or%201', '/decisions/99999999999999999999'])(
    '%s is not found',
    async (url) => {
      expect((await ask(url)).statusCode).toBe(404);
    },
  );
});

test('the page of all leads to them, and says where the pipeline stands', async () => {
  const { body } = await ask('/');
  expect(body).toContain('<a href="/pipelines/flights">Drift and decisions</a>');
  expect(body).toMatch(/<dt>Drift<\/dt><dd><span class="badge bad">alarm<\/span> <a href="\/decisions\/\d+">2001-02-11<\/a>/);
  expect(body).toContain('<span class="badge wait">1 window</span> <span class="quiet">none after 2001-02-08</span>');
  expect(body).toContain('version 4 beside 1');
});

test('the page of all shows the metric that the gate compares first, in figures that a person reads', async () => {
  const file = { name: flights, gate: { metric: 'mae' } };
  await createDefinitions(stored.db).apply(flights, null, file, digestOfJson(file), 'c0ffee', 'ada');
  const metrics = { f1: 0.5, roc_auc: 0.7, rmse: 2, brier: 0.2, mae: 19_391.4 };
  await stored.db
    .updateTable('model_versions')
    .set({ metrics: JSON.stringify(metrics) })
    .where('version', '=', 1)
    .execute();
  const { body } = await ask('/');
  expect(body).toMatch(
    /<dt>mae<\/dt><dd>19390 <span class="quiet">decides<\/span><\/dd><dt>roc_auc<\/dt><dd>0.7<\/dd><dt>brier<\/dt>/,
  );
});
