/** Spans of a run, at a receiver that takes what OpenTelemetry's own exporter posts. */
import { trace as api } from '@opentelemetry/api';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { loadConfig } from '../../infra/config.ts';
import { createLogger } from '../../infra/telemetry/logger.ts';
import { startTracing, type Tracing } from '../../infra/telemetry/tracing.ts';
import { type Receiver, startReceiver } from '../serving/support/receiver.ts';
import { describeWithServers, testTemporal } from '../support/servers.ts';
import { pretendSteps } from './pretend.ts';
import { newRequest, openWorld, type World } from './world.ts';

type Span = { readonly name: string; readonly traceId: string; readonly spanId: string; readonly parentSpanId?: string };
type Attribute = { readonly key: string; readonly value: { readonly stringValue?: string } };
type Posted = {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly Attribute[] };
    readonly scopeSpans: readonly { readonly spans: readonly Span[] }[];
  }[];
};

const trace = (url: string): Promise<Tracing | null> => {
  const { tracesEndpoint } = loadConfig({ OTEL_EXPORTER_OTLP_ENDPOINT: `${url}/` });
  return startTracing({ tracesEndpoint }, 'perennial-test', createLogger('test', 'silent'));
};

describeWithServers('spans', () => {
  let receiver: Receiver;
  let tracing: Tracing;
  let world: World;

  beforeAll(async () => {
    receiver = await startReceiver();
    tracing = (await trace(receiver.url)) as Tracing;
    world = await openWorld(pretendSteps(), { ...testTemporal(), tracing });
  });
  afterAll(() => receiver?.close());

  test('of a run and its steps are one trace, each with its parent', async () => {
    try {
      expect(await world.run(newRequest())).toMatchObject({ verdict: 'promoted' });
    } finally {
      await world.close();
      await tracing.close();
    }
    expect(new Set(receiver.received.map(({ path }) => path))).toEqual(new Set(['/v1/traces']));
    const posted = receiver.received.flatMap(({ body }) => (JSON.parse(body) as Posted).resourceSpans);
    for (const { resource } of posted)
      expect(resource.attributes).toContainEqual({ key: 'service.name', value: { stringValue: 'perennial-test' } });
    const spans = posted.flatMap(({ scopeSpans }) => scopeSpans.flatMap((scope) => scope.spans));
    const root = spans.find(({ name }) => name === 'RunWorkflow:retrain');
    const ofRun = spans.filter(({ traceId }) => traceId === root?.traceId);
    const trained = ofRun.find(({ name }) => name === 'RunActivity:trainCandidate');
    const asked = ofRun.find(({ spanId }) => spanId === trained?.parentSpanId);
    expect(asked).toMatchObject({ name: 'StartActivity:trainCandidate', parentSpanId: root?.spanId });
    expect(ofRun.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['RunActivity:ingestSources', 'RunActivity:registerCandidate']),
    );
  });
});

test('without an endpoint nothing is recorded, and none that is no address is taken', async () => {
  expect(await startTracing(loadConfig({}), 'perennial-test', createLogger('test', 'silent'))).toBeNull();
  expect(loadConfig({ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://here:4318/mine' }).tracesEndpoint).toBe(
    'http://here:4318/mine',
  );
  expect(() => loadConfig({ OTEL_EXPORTER_OTLP_ENDPOINT: 'here' })).toThrow('OTEL_EXPORTER_OTLP_ENDPOINT');
});

test('a collector that never answers holds up no end', async () => {
  const deaf = await startReceiver(() => 'hang');
  // A process has one tracer; the first test has registered its own.
  api.disable();
  const tracing = (await trace(deaf.url)) as Tracing;
  api.getTracer('test').startSpan('something').end();
  await tracing.close();
  expect(deaf.received).toHaveLength(1);
  await deaf.close();
});
