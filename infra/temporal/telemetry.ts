/** Tracing that is on from the first day: its interceptors add yield points, and adding them later could break replay. */
import { OpenTelemetryPlugin } from '@temporalio/interceptors-opentelemetry';

type TracingOptions = ConstructorParameters<typeof OpenTelemetryPlugin>[0];

/** Spans go nowhere until an exporter is given; trace context is carried all the same. */
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
