import type { Command } from 'commander';
import { print } from '../output.ts';

export const register = (program: Command): void => {
  program
    .command('migrate')
    .description('Bring the database schema up to date')
    .addHelpText('after', '\nExample:\n  $ DATABASE_URL=postgres://… perennial migrate')
    .action(async () => {
      const { loadConfig } = await import('../../../infra/config.ts');
      const { resolveEndpoints } = await import('../../../infra/state/endpoints.ts');
      const { migrateToLatest } = await import('../../../infra/postgres/migrate.ts');
      const config = loadConfig();
      const url = config.databaseUrl ?? (await resolveEndpoints(config)).databaseUrl;
      await migrateToLatest(url);
      print('the schema is up to date');
    });
};
