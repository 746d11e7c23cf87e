import type { Command } from 'commander';
import type { Context } from '../context.ts';
import { requirePipeline } from '../known-pipeline.ts';
import { print, printJson, short, table } from '../output.ts';
import { formatMany } from '../quantity.ts';

const gather = async (context: Context, only: string | undefined) => {
  const pipelines = (await context.definitions.listPipelines()).filter(({ name }) => only === undefined || name === only);
  return Promise.all(
    pipelines.map(async ({ name, definitionSha256 }) => {
      const [deployment, runs, reports] = await Promise.all([
        context.deployments.get(name),
        context.runs.list({ pipeline: name, limit: 5 }),
        context.deployments.serverReports(name, 10_000),
      ]);
      return { pipeline: name, definition: definitionSha256, deployment, runs, servers: reports };
    }),
  );
};

/** Without the database's address, which holds a password: this ends in the logs of other programs. */
const linksOf = ({ endpoints }: Context) => ({ ...endpoints, databaseUrl: undefined });

export const register = (program: Command): void => {
  program
    .command('status')
    .description('Show pipelines, their champions, what servers serve, and the last runs')
    .argument('[pipeline]')
    .option('--json', 'one JSON document')
    .addHelpText('after', '\nExample:\n  $ perennial status churn')
    .action(async (pipeline: string | undefined, options: { json?: boolean }) => {
      const { withContext } = await import('../context.ts');
      await withContext(async (context) => {
        if (pipeline !== undefined) await requirePipeline(context, pipeline, 'Cannot show');
        const found = await gather(context, pipeline);
        if (options.json) return printJson({ pipelines: found, links: linksOf(context) });
        if (found.length === 0) return print('No pipelines yet: `perennial run PATH` applies and runs one');
        for (const { pipeline: name, deployment, runs, servers } of found) {
          const champion = deployment.champion
            ? `champion version ${deployment.champion.version} (${short(deployment.champion.modelSha256)})`
            : 'no champion';
          const serving = servers.filter(
            (server) => server.state === 'serving' && server.generation === deployment.generation,
          ).length;
          print(`${name}: ${champion}, served by ${serving} of ${formatMany(servers.length, 'server')}`);
          const rows = runs.map((run) => [`  ${run.runKey}`, run.outcome ?? 'running', run.startedAt, run.trigger.kind]);
          print(rows.length === 0 ? '  no runs yet' : table([['  run', 'verdict', 'started', 'trigger'], ...rows]));
        }
        return undefined;
      });
    });
};
