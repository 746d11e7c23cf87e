import type { PipelineName, RunKey } from '#domain/units.ts';

/** A queue is named for what its machine must have. */
export const taskQueues = { flow: 'perennial-flow', cpu: 'perennial-cpu', gpu: 'perennial-gpu' } as const;
export type TaskQueue = (typeof taskQueues)[keyof typeof taskQueues];

/** Search attributes, registered by every place that starts a Temporal server. Never secret: they are not encoded. */
export const searchAttributes = {
  pipeline: 'PerennialPipeline',
  stage: 'PerennialStage',
  trigger: 'PerennialTrigger',
  verdict: 'PerennialVerdict',
  snapshot: 'PerennialSnapshot',
} as const;

/** Workflow ids go from general to particular and are business facts: starting twice is starting once. */
export const retrainWorkflowId = (pipeline: PipelineName, runKey: RunKey): string => `retrain/${pipeline}/${runKey}`;

/** The reverse of `retrainWorkflowId`; null for an id of another kind. */
export const parseRetrainWorkflowId = (id: string): { pipeline: PipelineName; runKey: RunKey } | null => {
  const match = /^retrain\/([^/]+)\/([0-9a-f]{16})$/.exec(id);
  return match ? { pipeline: match[1] as PipelineName, runKey: match[2] as RunKey } : null;
};
