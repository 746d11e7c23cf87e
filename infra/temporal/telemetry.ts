/**
 * Tracing that is on from the first day: its interceptors add yield points, and adding them later could break replay. They
 * are most of what a step costs above the plain SDK, one to two milliseconds (`npm run bench -- orchestration`). Tried, and
 * not worth an interceptor of our own: one promise around a step in place of eight saves 0.1 to 0.3 ms of processor time,
 * spans that are not sampled about half a millisecond; a collector of garbage that rarely runs in the server, nothing.
 */
import { OpenTelemetryPlugin } from '@temporalio/interceptors-opentelemetry';

type TracingOptions = ConstructorParameters<typeof OpenTelemetryPlugin>[0];

/** Spans go nowhere until a collector is named (`infra/telemetry/tracing.ts`); trace context is carried all the same. */
const dropSpans: TracingOptions['spanProcessor'] = {
  onStart: () => {},
  onEnd: () => {},
  forceFlush: () => Promise.resolve(),
  shutdown: () => Promise.resolve(),
};

/** Names the process in exported spans. With nothing exported nobody reads it. */
const noResource = { attributes: {} } as TracingOptions['resource'];

/** For `plugins` of Worker.create, bundleWorkflowCode and Worker.runReplayHistory: the three must agree. */
export const createTracingPlugin = (options: Partial<TracingOptions> = {}): OpenTelemetryPlugin =>
  new OpenTelemetryPlugin({ spanProcessor: dropSpans, resource: noResource, ...options });
