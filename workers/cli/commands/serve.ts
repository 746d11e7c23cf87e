import type { Command } from 'commander';
import { loadConfig } from '../../../infra/config.ts';
import { endWithReader } from '../reader-gone.ts';

export const register = (program: Command): void => {
  program
    .command('serve')
    .description('Run the prediction server: POST /predict/PIPELINE, health, metrics, OpenAPI')
    .addHelpText(
      'after',
      `
Listens on PERENNIAL_HOST (127.0.0.1) and PERENNIAL_PORT (8080), follows the champions in PostgreSQL,
and ends on SIGINT or SIGTERM after it answered what is under way.

Examples:
  $ perennial serve
  $ curl -s localhost:8080/predict/churn -H 'content-type: application/json' -d '{"tenure": 5}'`,
    )
    .action(async () => {
      endWithReader('never');
      const { runPredictServer } = await import('../../../serving/predict/server.ts');
      await runPredictServer(loadConfig());
    });
};
