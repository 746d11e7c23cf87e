/** The process that runs workflows, and nothing else. */
import type { Config } from '../infra/config.ts';
import { taskQueues } from '../workflows/names.ts';
import { ensureBundle } from './bundle.ts';
import { runWorker } from './runtime.ts';

/**
 * Workflows kept in memory between their tasks. A thousand take some hundred megabytes; with too few, every message to
 * a waiting run replays its history first (milliseconds).
 */
const maxCachedWorkflows = 200;

export const runFlowWorker = (config: Config): Promise<void> =>
  runWorker(config, 'flow', taskQueues.flow, async () => {
    const codePath = await ensureBundle(config.cacheDir);
    return {
      options: { workflowBundle: { codePath }, maxCachedWorkflows, shutdownForceTime: '20s' },
      close: () => Promise.resolve(),
    };
  });
