/** The process that trains: one candidate at a time, on its own queue. */
import { createGpuSteps } from '../activities/index.ts';
import type { Config } from '../infra/config.ts';
import { taskQueues } from '../workflows/names.ts';
import { openGpuDeps } from './deps.ts';
import { runWorker } from './runtime.ts';

/**
 * How long a trainer has to save its work after SIGTERM. Machines that are taken away say so two minutes before;
 * more than that is lost anyway, less loses work that could have been kept.
 */
const shutdownForceTime = '100s';

export const runGpuWorker = (config: Config): Promise<void> =>
  runWorker(config, 'gpu', taskQueues.gpu, async ({ endpoints, logger }) => {
    const { deps, close } = openGpuDeps(config, endpoints, (line) => logger.info(line));
    return {
      options: {
        activities: createGpuSteps(deps),
        maxConcurrentActivityTaskExecutions: 1,
        activityTaskPollerBehavior: { type: 'simple-maximum', maximum: 1 },
        // The step hears of the shutdown only after the grace time: all of the notice belongs to the trainer.
        shutdownGraceTime: 0,
        shutdownForceTime,
      },
      close,
    };
  });
