import type { PipelineName, RunKey, VersionNumber } from '#domain/units.ts';

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

/** Names of workflow functions that are started from another room. */
export const workflowTypes = {
  watchDrift: 'watchDrift',
  scheduledRetrain: 'scheduledRetrain',
  applyRetention: 'applyRetention',
  refreshViews: 'refreshViews',
} as const;

/** Workflow ids go from general to particular and are business facts: starting twice is starting once. */
export const retrainWorkflowId = (pipeline: PipelineName, runKey: RunKey): string => `retrain/${pipeline}/${runKey}`;

/** The reverse of `retrainWorkflowId`; null for an id of another kind. */
export const parseRetrainWorkflowId = (id: string): { pipeline: PipelineName; runKey: RunKey } | null => {
  const match = /^retrain\/([^/]+)\/([0-9a-f]{16})$/.exec(id);
  return match ? { pipeline: match[1] as PipelineName, runKey: match[2] as RunKey } : null;
};

/** One rollout of a version at a time; the same candidate rolled out again later is another run of this id. */
export const rollOutWorkflowId = (pipeline: PipelineName, version: VersionNumber): string => `roll-out/${pipeline}/${version}`;

/** A rollout is one execution of its workflow, over all that it continues as. */
export const rolloutIdOf = (pipeline: PipelineName, version: VersionNumber, firstRunId: string): string =>
  `${pipeline}/${version}/${firstRunId}`;

/** One for each pipeline, for ever. */
export const watchDriftWorkflowId = (pipeline: PipelineName): string => `watch-drift/${pipeline}`;

/** One at a time for each pipeline: who comes meanwhile is heard by the one that works. */
export const refreshViewsWorkflowId = (pipeline: PipelineName): string => `refresh-views/${pipeline}`;

/** Named for what it undoes: two operators who take back one generation start one workflow. */
export const rollBackWorkflowId = (pipeline: PipelineName, generation: number): string => `roll-back/${pipeline}/${generation}`;

/** A schedule asks the watch; its id is also the prefix of the workflows that it starts. */
export const scheduleId = (pipeline: PipelineName): string => `scheduled-retrain/${pipeline}`;

/** One schedule for all pipelines; its id is also the prefix of the workflows that it starts. */
export const retentionScheduleId = 'retention';
