/** The watch of a pipeline as others reach it: how it is started, and how it is told what happened. */
import type { Client } from '@temporalio/client';
import type { Arrival } from '#domain/contracts/arrival.ts';
import type { PipelineName } from '#domain/units.ts';
import { alertReceivedSignal, dataArrivedSignal, labelsArrivedSignal } from '../../workflows/messages.ts';
import {
  refreshViewsWorkflowId,
  searchAttributes,
  taskQueues,
  watchDriftWorkflowId,
  workflowTypes,
} from '../../workflows/names.ts';

/** Options under which everybody starts the one watch of a pipeline: who comes second finds it running. */
export const watchStart = (pipeline: PipelineName) => ({
  workflowId: watchDriftWorkflowId(pipeline),
  taskQueue: taskQueues.flow,
  args: [{ format: 1, pipeline }] as [{ format: 1; pipeline: PipelineName }],
  // A watch that ended belonged to a pipeline that was deleted; whoever starts it again brought the pipeline back.
  workflowIdReusePolicy: 'ALLOW_DUPLICATE' as const,
  workflowIdConflictPolicy: 'USE_EXISTING' as const,
  staticSummary: `Watch ${pipeline}`,
  searchAttributes: { [searchAttributes.pipeline]: [pipeline] },
});

type Signal = { readonly signal: string; readonly signalArgs: unknown[] };

const signalOf = (id: string, source: string, arrival: Arrival): Signal => {
  if (arrival.kind === 'labels arrived') return { signal: labelsArrivedSignal.name, signalArgs: [{ rows: arrival.rows }] };
  if (arrival.kind === 'data arrived') return { signal: dataArrivedSignal.name, signalArgs: [{ what: arrival.text || id }] };
  const { text, asksForRetrain } = arrival;
  return { signal: alertReceivedSignal.name, signalArgs: [{ id, source, text, asksForRetrain }] };
};

export type ToldWatch = {
  readonly source: string;
  readonly deliveryId: string;
  readonly pipeline: PipelineName;
  readonly arrival: Arrival;
};

/** Starts it, or has the one that works read the sources once more. */
const refreshViews = (client: Client, pipeline: PipelineName, { signal, signalArgs }: Signal) =>
  client.workflow.signalWithStart(workflowTypes.refreshViews, {
    workflowId: refreshViewsWorkflowId(pipeline),
    taskQueue: taskQueues.flow,
    args: [{ format: 1, pipeline }],
    staticSummary: `Publish what ${pipeline} serves`,
    searchAttributes: { [searchAttributes.pipeline]: [pipeline] },
    signal,
    signalArgs,
  });

/**
 * Tells the watch, and starts it where none runs; where data arrived, what is published of views follows as well. The same
 * delivery again is harmless: a watch knows ids that it saw, and what is published already stays.
 */
export const tellWatch = async (client: Client, { source, deliveryId, pipeline, arrival }: ToldWatch): Promise<void> => {
  const { workflowIdConflictPolicy: _running, ...start } = watchStart(pipeline);
  const signal = signalOf(`${source}/${deliveryId}`, source, arrival);
  await client.workflow.signalWithStart(workflowTypes.watchDrift, { ...start, ...signal });
  if (arrival.kind === 'data arrived') await refreshViews(client, pipeline, signal);
};
