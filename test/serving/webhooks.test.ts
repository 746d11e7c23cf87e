import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createWebhooks } from '../../infra/postgres/webhooks.ts';
import { silentLogger } from '../../infra/telemetry/logger.ts';
import { createMetrics } from '../../infra/telemetry/metrics.ts';
import { secretBytes } from '../../infra/webhooks/signature.ts';
import { buildControlApp } from '../../serving/control/app.ts';
import { readersOf } from '../../serving/control/server.ts';
import { listen } from '../../serving/plugins/run-server.ts';
import type { PipelineName } from '../../workflows/domain/units.ts';
import { post } from './support/http.ts';
import { alertmanagerBody, bearer, grafanaBody, key, signed, token } from './support/webhook-senders.ts';
import { createWorld, type World } from './support/world.ts';

let world: World;
let app: ReturnType<typeof buildControlApp>;
let url: string;
let accepted = 0;
let clockOffMs = 0;
const churn = 'churn' as PipelineName;
const oldKey = secretBytes(`whsec_${Buffer.alloc(32, 9).toString('base64')}`) as Buffer;
const metrics = createMetrics();

const appWith = (senders: { tokens: readonly string[]; keys: readonly Uint8Array[] }) =>
  buildControlApp({
    log: silentLogger(),
    metrics,
    allowedHosts: 'loopback',
    links: { predict: null, workflow: null },
    waysIn: {
      webhooks: createWebhooks(world.db),
      senders,
      clock: () => Date.now() + clockOffMs,
      onAccepted: () => {
        accepted += 1;
      },
    },
    ...readersOf(world.db, world.store.content),
  });

beforeAll(async () => {
  world = await createWorld();
  await world.applyPipeline(churn);
  await world.applyPipeline('flights' as PipelineName);
  app = appWith({ tokens: ['an-older-token-0123', token], keys: [oldKey, key] });
  url = await listen(app, '127.0.0.1', 0);
});
afterAll(async () => {
  await app.close();
  await world.close();
});
beforeEach(async () => {
  accepted = 0;
  clockOffMs = 0;
  await world.db.deleteFrom('webhook_deliveries').execute();
});

const rows = () => world.db.selectFrom('webhook_deliveries').selectAll().orderBy('received_at').execute();
const toAlertmanager = (body: unknown, headers: Record<string, string> = bearer()) =>
  post(`${url}/webhooks/alertmanager/churn`, body, headers);
const toEvents = (id: string, body: string, options: Parameters<typeof signed>[2] = {}, pipeline = 'churn') =>
  post(`${url}/webhooks/events/${pipeline}`, body, signed(id, body, options));

const firing = { name: 'drift', startsAt: '2026-02-01T10:00:00.123456789Z' };
const event = JSON.stringify({ type: 'data arrived', text: 'February' });

describe('Alertmanager', () => {
  test('is answered 202 once the row is there', async () => {
    const answered = await toAlertmanager(alertmanagerBody([firing]));
    expect([answered.status, answered.body.repeated]).toEqual([202, false]);
    expect(await rows()).toMatchObject([
      {
        source: 'alertmanager',
        pipeline: 'churn',
        delivery_id: answered.body.id,
        message: { kind: 'alert', text: 'drift firing: drift happened', asksForRetrain: true },
        handed_over_at: null,
      },
    ]);
    expect(accepted).toBe(1);
  });

  test('may repeat a notification each repeat_interval, whatever its texts say now: it is one', async () => {
    const first = await toAlertmanager(alertmanagerBody([firing], { value: '0.3' }));
    const second = await toAlertmanager(alertmanagerBody([firing], { value: '0.4' }));
    expect([second.status, second.body]).toEqual([202, { ...first.body, repeated: true }]);
    expect(await rows()).toHaveLength(1);
    expect(accepted).toBe(1);
  });

  test('tells of a second alert in the group, of its end, and of an alert that came back: each is another', async () => {
    const other = { name: 'performance', startsAt: '2026-02-01T10:05:00Z' };
    await toAlertmanager(alertmanagerBody([firing]));
    await toAlertmanager(alertmanagerBody([firing, other]));
    await toAlertmanager(alertmanagerBody([other, firing]));
    await toAlertmanager(alertmanagerBody([{ ...firing, status: 'resolved' }], { status: 'resolved' }));
    await toAlertmanager(alertmanagerBody([{ ...firing, startsAt: '2026-02-02T10:00:00Z' }]));
    const messages = (await rows()).map(({ message }) => message as { text: string; asksForRetrain: boolean });
    expect(messages.map(({ asksForRetrain }) => asksForRetrain)).toEqual([true, true, false, true]);
    expect(messages[1]?.text).toContain('drift, performance firing (2 alerts)');
  });

  test('may tell two pipelines of one group', async () => {
    const [one, two] = await Promise.all(
      ['churn', 'flights'].map((name) => post(`${url}/webhooks/alertmanager/${name}`, alertmanagerBody([firing]), bearer())),
    );
    expect([one?.body.repeated, two?.body.repeated]).toEqual([false, false]);
    expect((await rows()).map(({ pipeline }) => pipeline).toSorted()).toEqual(['churn', 'flights']);
  });

  test('whose heartbeat always fires asks for nothing', async () => {
    await toAlertmanager(alertmanagerBody([{ ...firing, name: 'Watchdog' }]));
    expect((await rows())[0]?.message).toMatchObject({ asksForRetrain: false });
  });

  test.each([
    ['alerts', 'must be a list: is missing', { ...alertmanagerBody([firing]), alerts: undefined }],
    ['alerts', 'must have at least 1 entry: has 0', alertmanagerBody([])],
    [
      'alerts.0.startsAt',
      'must be a time with its zone, such as 2026-02-05T12:00:00Z: is "yesterday"',
      alertmanagerBody([{ ...firing, startsAt: 'yesterday' }]),
    ],
    ['status', 'must be "firing" or "resolved": is "burning"', { ...alertmanagerBody([firing]), status: 'burning' }],
    ['version', 'must be "4": is "3"', { ...alertmanagerBody([firing]), version: '3' }],
    ['groupKey', 'must be a text: is 7', { ...alertmanagerBody([firing]), groupKey: 7 }],
    ['commonLabels', 'must be an object: is a list', { ...alertmanagerBody([firing]), commonLabels: [] }],
    ['body', 'must be an object: is a list', []],
  ])('is refused with the field that is wrong, what must be and what is: %s %s', async (field, message, body) => {
    const answered = await toAlertmanager(body);
    expect([answered.status, answered.body.error.code]).toEqual([400, 'PRN_INPUT_INVALID']);
    expect(answered.body.error.problems).toEqual([{ field, message }]);
    expect(answered.body.error.message).toBe(`Cannot use body as Alertmanager's webhook, version 4: "${field}" ${message}`);
    expect(await rows()).toEqual([]);
  });

  test.each([
    ['no token', {}],
    ['a wrong token', bearer(`${token}x`)],
    ['the token in another form', { authorization: `Basic ${token}` }],
  ])('is refused with %s, before its body is read', async (_what, headers) => {
    const answered = await toAlertmanager('{', headers as Record<string, string>);
    expect([answered.status, answered.body.error.code]).toEqual([401, 'PRN_HTTP_UNAUTHORIZED']);
    expect(await rows()).toEqual([]);
  });
});

describe('Grafana', () => {
  const send = (body: unknown) => post(`${url}/webhooks/grafana/churn`, body, bearer('an-older-token-0123'));
  test('is taken with an older token while a newer one replaces it, and repeats are one', async () => {
    expect((await send(grafanaBody([firing]))).status).toBe(202);
    expect((await send(grafanaBody([firing]))).body.repeated).toBe(true);
    expect(await rows()).toMatchObject([{ source: 'grafana', message: { asksForRetrain: true } }]);
  });

  test.each(['DatasourceNoData', 'DatasourceError', 'TestAlert'])(
    'asks for nothing where it speaks of itself: %s',
    async (name) => {
      expect((await send(grafanaBody([{ ...firing, name }]))).status).toBe(202);
      expect((await rows())[0]?.message).toMatchObject({ asksForRetrain: false });
    },
  );

  test('is refused in the shape of before version 9', async () => {
    const answered = await send({ dashboardId: 1, evalMatches: [], ruleId: 1, state: 'alerting', title: 'drift' });
    expect([answered.status, answered.body.error.problems.map((one: { field: string }) => one.field)]).toEqual([
      400,
      ['status', 'groupKey', 'alerts'],
    ]);
  });
});

describe('a signed event', () => {
  test('is taken under the secret of before and the one of now', async () => {
    expect((await toEvents('msg_1', event)).status).toBe(202);
    expect((await toEvents('msg_2', event, { key: oldKey })).status).toBe(202);
    expect((await rows()).map(({ message }) => message)).toEqual([
      { kind: 'data arrived', text: 'February' },
      { kind: 'data arrived', text: 'February' },
    ]);
  });

  test.each([
    ['{"type":"labels arrived"}', { kind: 'labels arrived', rows: 0 }],
    ['{"type":"labels arrived","rows":7}', { kind: 'labels arrived', rows: 7 }],
    ['{"type":"alert","text":"sales fell"}', { kind: 'alert', text: 'sales fell', asksForRetrain: true }],
  ])('says %s', async (body, message) => {
    expect((await toEvents('msg_3', body)).status).toBe(202);
    expect((await rows())[0]?.message).toEqual(message);
  });

  test('that comes twice is one; with another content under its id, or for another pipeline, it is refused', async () => {
    expect((await toEvents('msg_4', event)).body).toMatchObject({ repeated: false });
    expect((await toEvents('msg_4', event)).body).toMatchObject({ repeated: true });
    const other = JSON.stringify({ type: 'alert' });
    expect((await toEvents('msg_4', other)).status).toBe(409);
    expect((await toEvents('msg_4', event, {}, 'flights')).status).toBe(409);
    expect(await rows()).toHaveLength(1);
    expect(accepted).toBe(1);
  });

  test.each([
    ['old', { seconds: Math.floor(Date.now() / 1000) - 301 }, 'too old'],
    ['from the future', { seconds: Math.floor(Date.now() / 1000) + 330 }, 'in the future'],
    ['forged', { key: Buffer.alloc(24, 8) }, 'not signed with a secret that is known'],
  ])('that is %s is refused', async (_what, options, why) => {
    const answered = await toEvents('msg_5', event, options);
    expect([answered.status, answered.body.error.code]).toEqual([401, 'PRN_HTTP_UNAUTHORIZED']);
    expect(answered.body.error.message).toContain(why);
    expect(await rows()).toEqual([]);
  });

  test('is refused while the clock here is wrong, and taken once it is right again', async () => {
    clockOffMs = 3_600_000;
    expect((await toEvents('msg_6', event)).status).toBe(401);
    clockOffMs = 0;
    expect((await toEvents('msg_6', event)).status).toBe(202);
  });

  test('is refused without its headers', async () => {
    const answered = await post(`${url}/webhooks/events/churn`, event);
    expect([answered.status, answered.body.error.message]).toEqual([401, 'Cannot take webhook as it has no header webhook-id']);
  });

  test('whose bytes were changed on the way is refused, though they say the same', async () => {
    const headers = signed('msg_7', event);
    const answered = await post(`${url}/webhooks/events/churn`, event.replace(':', ': '), headers);
    expect(answered.status).toBe(401);
  });

  test.each([
    ['type', 'must be "data arrived", "labels arrived" or "alert": is "coffee"', '{"type":"coffee"}'],
    [
      'type',
      'must be "data arrived", "labels arrived" or "alert": is "data-arrived"; did you mean "data arrived"?',
      '{"type":"data-arrived"}',
    ],
    ['type', 'must be "data arrived", "labels arrived" or "alert": is missing', '{}'],
    ['text', 'must be a text: is 7', '{"type":"alert","text":7}'],
    ['text', 'must have at most 10000 characters: has 10001', `{"type":"alert","text":"${'x'.repeat(10_001)}"}`],
    ['body', 'must not have "more"', '{"type":"alert","more":1}'],
    ['rows', 'must be at least 0: is -1', '{"type":"labels arrived","rows":-1}'],
    ['rows', 'must be a whole number: is 1.5', '{"type":"labels arrived","rows":1.5}'],
    ['rows', 'must be a number: is null', '{"type":"labels arrived","rows":null}'],
  ])('is refused with the field that is wrong, what must be and what is: %s %s', async (field, message, body) => {
    const answered = await toEvents('msg_8', body);
    expect([answered.status, answered.body.error.problems]).toEqual([400, [{ field, message }]]);
    expect(answered.body.error.message).toBe(`Cannot use body as an event: "${field}" ${message}`);
    expect(await rows()).toEqual([]);
  });

  test.each([
    '',
    '{',
    'null',
    '[]',
    '{"__proto__":{"type":"alert"}}',
    `${'['.repeat(100_000)}${']'.repeat(100_000)}`,
    '"\\u0000"',
  ])('that is no event is refused: %.20s', async (body) => {
    expect((await toEvents('msg_9', body)).status).toBe(400);
    expect(await rows()).toEqual([]);
  });

  test('may hold any text, also what PostgreSQL cannot', async () => {
    expect((await toEvents('msg_10', '{"type":"alert","text":"a\\u0000b"}')).status).toBe(202);
    expect((await rows())[0]?.message).toMatchObject({ text: 'a\uFFFDb' });
  });
});

describe('every webhook', () => {
  test.each(['alertmanager', 'grafana', 'events'])('of 256 KiB and more is refused: %s', async (source) => {
    const body = JSON.stringify({ type: 'alert', text: 'x'.repeat(262_144) });
    const answered = await post(`${url}/webhooks/${source}/churn`, body, { ...bearer(), ...signed('msg_11', body) });
    expect([answered.status, answered.body.error.message]).toEqual([413, 'Cannot read body: should be at most 256 KiB']);
    expect(await rows()).toEqual([]);
  });

  test.each(['nothing', 'Churn', '..%2Fchurn', 'a%00b'])('for a pipeline that is not applied is refused: %s', async (name) => {
    for (const answered of [
      await post(`${url}/webhooks/alertmanager/${name}`, alertmanagerBody([firing]), bearer()),
      await toEvents('msg_12', event, {}, name),
    ])
      expect([answered.status, answered.body.error.code]).toEqual([404, 'PRN_NOT_FOUND']);
    expect(await rows()).toEqual([]);
  });

  test('of another type than JSON is refused', async () => {
    const answered = await toAlertmanager('a=b', { ...bearer(), 'content-type': 'application/x-www-form-urlencoded' });
    expect(answered.status).toBe(415);
  });

  test.each([
    ['alertmanager', 'PERENNIAL_WEBHOOK_TOKENS'],
    ['grafana', 'PERENNIAL_WEBHOOK_TOKENS'],
    ['events', 'PERENNIAL_WEBHOOK_SECRETS'],
  ])('is refused where no sender is known: %s', async (source, variable) => {
    const shut = appWith({ tokens: [], keys: [] });
    const headers = { host: 'localhost', ...bearer(''), ...signed('msg_13', event) };
    const answered = await shut.inject({ method: 'POST', url: `/webhooks/${source}/churn`, headers, payload: event });
    expect([answered.statusCode, answered.json().error.code]).toEqual([403, 'PRN_HTTP_REFUSED']);
    expect(answered.json().error.message).toContain(variable);
    await shut.close();
  });

  test('of which 100 come ten times each at once, in any order, is one delivery', async () => {
    const ids = Array.from({ length: 1_000 }, (_, index) => `storm_${index % 100}`);
    const shuffled = ids.map((id, index) => [(index * 7919) % 1_000, id] as const).toSorted((a, b) => a[0] - b[0]);
    const answers = await Promise.all(shuffled.map(([, id]) => toEvents(id, event)));
    expect(answers.filter(({ status }) => status !== 202)).toEqual([]);
    expect(answers.filter(({ body }) => !body.repeated)).toHaveLength(100);
    expect(await rows()).toHaveLength(100);
  });

  test('is counted by its sender and by what became of it', async () => {
    await toEvents('msg_14', event);
    await toEvents('msg_14', event);
    const { text } = await metrics.exposition();
    for (const outcome of [
      'accepted',
      'repeated',
      'unauthorized',
      'unknown pipeline',
      'other content',
      'too large',
      'wrong shape',
      'closed',
    ])
      expect(text).toContain(`perennial_webhook_deliveries_total{source="events",outcome="${outcome}"}`);
  });
});
