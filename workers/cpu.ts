/** The process that runs every step but training. */
import { Context } from '@temporalio/activity';
import { Client } from '@temporalio/client';
import { createCpuSteps } from '../activities/index.ts';
import type { Config } from '../infra/config.ts';
import { countPollers } from '../infra/temporal/pollers.ts';
import { createWatchTemporal } from '../infra/temporal/request-retrain.ts';
import { taskQueues } from '../workflows/names.ts';
import { openCpuDeps } from './deps.ts';
import { runWorker } from './runtime.ts';

/** Enough for light steps to pass beside the one heavy step and those that wait for its place (see activities/index.ts). */
const maxConcurrentActivityTaskExecutions = 8;

export const runCpuWorker = (config: Config): Promise<void> =>
  runWorker(config, 'cpu', taskQueues.cpu, async ({ endpoints, connection }) => {
    const count = (queue: string) =>
      countPollers(connection, endpoints.temporalNamespace, queue, Context.current().info.workflowExecution ?? null);
    const client = new Client({ connection, namespace: endpoints.temporalNamespace });
    const { deps, close } = openCpuDeps(config, endpoints, count, createWatchTemporal(client));
    return {
      options: {
        activities: createCpuSteps(deps),
        maxConcurrentActivityTaskExecutions,
        // Short steps end by themselves; long ones are told after 5 s, and another worker starts them again.
        shutdownGraceTime: '5s',
        shutdownForceTime: '30s',
      },
      close,
    };
  });
