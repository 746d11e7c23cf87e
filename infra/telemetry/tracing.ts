/** Spans of runs and their steps, for whoever has a collector: OTEL_EXPORTER_OTLP_ENDPOINT, as OpenTelemetry's own programs take it. */

import type { Resource } from '@opentelemetry/resources';
import type { SpanProcessor } from '@opentelemetry/sdk-trace-base';
import type { Config } from '../config.ts';
import type { Logger } from './logger.ts';

export type Tracing = {
  readonly spanProcessor: SpanProcessor;
  readonly resource: Resource;
  /** Sends what is left; gives up after three seconds, so that a collector that is away holds up no end of a process. */
  close(): Promise<void>;
};

const longestCloseMs = 3_000;
/** A collector that is away is told of once in so long, not with each batch. */
const silenceMs = 60_000;

const tellOfFailures = (logger: Logger, endpoint: string) => {
  let lastMs = Number.NEGATIVE_INFINITY;
  return (error: unknown): void => {
    if (performance.now() - lastMs < silenceMs) return;
    lastMs = performance.now();
    logger.warn({ endpoint, reason: error instanceof Error ? error.message : String(error) }, 'spans cannot be exported');
  };
};

/**
 * Registers a tracer for this process and exports what it records, OTLP over HTTP, in batches. Null where no endpoint is
 * set. OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES win over the name given here; headers, timeouts, samplers and batches
 * are OpenTelemetry's own variables too.
 */
export const startTracing = async (
  { tracesEndpoint }: Pick<Config, 'tracesEndpoint'>,
  service: string,
  logger: Logger,
): Promise<Tracing | null> => {
  if (tracesEndpoint === null) return null;
  // Half a dozen packages that no process without a collector should load.
  const [core, hooks, exporter, resources, base] = await Promise.all([
    import('@opentelemetry/core'),
    import('@opentelemetry/context-async-hooks'),
    import('@opentelemetry/exporter-trace-otlp-http'),
    import('@opentelemetry/resources'),
    import('@opentelemetry/sdk-trace-base'),
  ]);
  core.setGlobalErrorHandler(tellOfFailures(logger, tracesEndpoint));
  const named = new resources.Resource({ 'service.name': service });
  const resource = named.merge(resources.detectResourcesSync({ detectors: [resources.envDetectorSync] }) as Resource);
  const spanProcessor = new base.BatchSpanProcessor(new exporter.OTLPTraceExporter({ url: tracesEndpoint }));
  const provider = new base.BasicTracerProvider({ resource, spanProcessors: [spanProcessor] });
  provider.register({ contextManager: new hooks.AsyncLocalStorageContextManager().enable() });
  return { spanProcessor, resource, close: () => closeWithin(() => provider.shutdown()) };
};

const closeWithin = async (shutdown: () => Promise<void>): Promise<void> => {
  const ended = shutdown().catch(() => {});
  await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, longestCloseMs).unref())]);
};
