/** The process that runs workflows, and nothing else. */
import type { Config } from '../infra/config.ts';
import { taskQueues } from '../workflows/names.ts';
import { ensureBundle } from './bundle.ts';
import { runWorker } from './runtime.ts';

/**
 * Workflows kept in memory between their tasks: a thousand watches, and the runs beside them. With fewer than there are,
 * every look of a watch replays its history first (up to a thousand events, half a second); with more, memory grows by
 * what `npm run bench -- watch` says of the flow worker.
 */
const maxCachedWorkflows = 1_200;

export const runFlowWorker = (config: Config): Promise<void> =>
  runWorker(config, 'flow', taskQueues.flow, async () => {
    const codePath = await ensureBundle(config.cacheDir);
    return {
      options: { workflowBundle: { codePath }, maxCachedWorkflows, shutdownForceTime: '20s' },
      close: () => Promise.resolve(),
    };
  });
