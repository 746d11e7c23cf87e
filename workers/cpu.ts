/** The process that runs every step but training. */
import type { CpuDeps } from '../activities/deps.ts';
import { createCpuSteps } from '../activities/index.ts';
import type { Config } from '../infra/config.ts';
import { openSource } from '../infra/sources/open.ts';
import { countPollers } from '../infra/temporal/pollers.ts';
import { taskQueues } from '../workflows/names.ts';
import { openSharedDeps } from './deps.ts';
import { runWorker } from './runtime.ts';

/** Enough for light steps to pass beside the one heavy step and those that wait for its place (see activities/index.ts). */
const maxConcurrentActivityTaskExecutions = 8;

export const runCpuWorker = (config: Config): Promise<void> =>
  runWorker(config, 'cpu', taskQueues.cpu, async ({ endpoints, connection }) => {
    const { deps, close } = openSharedDeps(endpoints, config.stateDir, 'cpu');
    const cpuDeps: CpuDeps = {
      ...deps,
      limits: { memoryMiB: config.memoryMiB, threads: config.threads },
      countPollers: (queue) => countPollers(connection, endpoints.temporalNamespace, queue),
      openSource,
    };
    return {
      options: {
        activities: createCpuSteps(cpuDeps),
        maxConcurrentActivityTaskExecutions,
        // Short steps end by themselves; long ones are told after 5 s, and another worker starts them again.
        shutdownGraceTime: '5s',
        shutdownForceTime: '30s',
      },
      close,
    };
  });
