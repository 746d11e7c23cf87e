import type { Command } from 'commander';
import type { Context } from '../context.ts';
import { print, printJson, short, table } from '../output.ts';

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

export const register = (program: Command): void => {
  program
    .command('status')
    .description('Show pipelines, their champions, what servers serve, and the last runs')
    .argument('[pipeline]')
    .option('--json', 'one JSON document')
    .addHelpText('after', '\nExample:\n  $ perennial status churn')
    .action(async (pipeline: string | undefined, options: { json?: boolean }) => {
      const { withContext } = await import('../context.ts');
      const { PerennialError } = await import('#domain/errors.ts');
      await withContext(async (context) => {
        const found = await gather(context, pipeline);
        if (pipeline !== undefined && found.length === 0) {
          throw new PerennialError(
            'PRN_NOT_FOUND',
            `Cannot show "${pipeline}": no such pipeline is applied; "perennial status" lists them`,
          );
        }
        if (options.json) return printJson({ pipelines: found, links: context.endpoints });
        if (found.length === 0) return print('no pipelines yet: "perennial run PATH" applies and runs one');
        for (const { pipeline: name, deployment, runs, servers } of found) {
          const champion = deployment.champion
            ? `champion version ${deployment.champion.version} (${short(deployment.champion.modelSha256)})`
            : 'no champion';
          const serving = servers.filter(
            (server) => server.state === 'serving' && server.generation === deployment.generation,
          ).length;
          print(`${name}: ${champion}, served by ${serving} of ${servers.length} server${servers.length === 1 ? '' : 's'}`);
          const rows = runs.map((run) => [`  ${run.runKey}`, run.outcome ?? 'running', run.startedAt, run.trigger.kind]);
          print(table([['  run', 'verdict', 'started', 'trigger'], ...rows]));
        }
        return undefined;
      });
    });
};
