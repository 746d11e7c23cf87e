import type { Command } from 'commander';
import { loadConfig } from '../../../infra/config.ts';
import { endWithReader } from '../reader-gone.ts';

export const register = (program: Command): void => {
  program
    .command('control')
    .description('Run the control plane: runs, models, decisions, deployments, and a page that shows them')
    .addHelpText(
      'after',
      `
Listens on PERENNIAL_HOST (127.0.0.1) and PERENNIAL_CONTROL_PORT (8081) and ends on SIGINT or SIGTERM.

Examples:
  $ perennial control
  $ curl -s 'localhost:8081/api/runs?pipeline=churn&limit=5'`,
    )
    .action(async () => {
      endWithReader('never');
      const { runControlServer } = await import('../../../serving/control/server.ts');
      await runControlServer(loadConfig());
    });
};
