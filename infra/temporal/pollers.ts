/** Who waits for work on a task queue, as Temporal sees it. */
import type { WorkflowService } from '@temporalio/client';

type HasWorkflowService = { readonly workflowService: WorkflowService };

/** A worker asks again every 60 s at the latest; the server names it for five minutes after its last question. */
const freshMs = 70_000;
/** TASK_QUEUE_TYPE_WORKFLOW and TASK_QUEUE_TYPE_ACTIVITY in Temporal's API. */
const queueTypes = [1, 2] as const;

type Poller = { readonly identity: string; readonly lastSeenMs: number };

const listPollers = async ({ workflowService }: HasWorkflowService, namespace: string, queue: string): Promise<Poller[]> => {
  const answers = await Promise.all(
    queueTypes.map((taskQueueType) =>
      workflowService.describeTaskQueue({ namespace, taskQueue: { name: queue }, taskQueueType }),
    ),
  );
  return answers
    .flatMap((answer) => answer.pollers ?? [])
    .map(({ identity, lastAccessTime }) => ({
      identity: identity ?? '',
      lastSeenMs: Number(lastAccessTime?.seconds ?? 0) * 1000,
    }));
};

/** PENDING_ACTIVITY_STATE_STARTED in Temporal's API. */
const started = 2;

/** Whether a step of a workflow that waits in a queue has begun: then its worker is there, whoever remembers its question. */
const hasBegun = async ({ workflowService }: HasWorkflowService, namespace: string, queue: string, execution: Execution) => {
  const { pendingActivities } = await workflowService.describeWorkflowExecution({ namespace, execution });
  return (pendingActivities ?? []).some(
    ({ state, activityOptions }) => state === started && activityOptions?.taskQueue?.name === queue,
  );
};

type Execution = { readonly workflowId: string; readonly runId: string };

/**
 * How many workers asked this queue for work in the last 70 s; a worker that was killed counts until then. Temporal forgets who
 * asked when the queue moves to another of its processes, and a worker that trains does not ask for hours: so the worker that
 * has begun a step of `asker` counts too.
 */
export const countPollers = async (
  connection: HasWorkflowService,
  namespace: string,
  queue: string,
  asker: Execution | null = null,
): Promise<number> => {
  const pollers = await listPollers(connection, namespace, queue);
  const fresh = pollers.filter(({ lastSeenMs }) => Date.now() - lastSeenMs < freshMs);
  if (fresh.length > 0 || asker === null) return new Set(fresh.map(({ identity }) => identity)).size;
  return (await hasBegun(connection, namespace, queue, asker)) ? 1 : 0;
};
