import type { Command } from 'commander';
import type { PipelineName, VersionNumber } from '#domain/units.ts';
import type { Context } from '../context.ts';
import { requirePipeline } from '../known-pipeline.ts';
import { print, printJson } from '../output.ts';
import { parseCount } from '../quantity.ts';

/** The champion before the present one, by the record of promotions. */
const previousOf = async (context: Context, pipeline: PipelineName): Promise<VersionNumber | null> => {
  const { champion } = await context.deployments.get(pipeline);
  const promotions = await context.registry.promotions(pipeline);
  const earlier = [...promotions].sort((a, b) => b.generation - a.generation).map((promotion) => promotion.version);
  return earlier.find((version) => version !== null && version !== champion?.version) ?? null;
};

export const register = (program: Command): void => {
  program
    .command('rollback')
    .description('Make the previous champion (or a named version) serve again')
    .argument('<pipeline>')
    .option('--to <version>', 'version to serve')
    .requiredOption('--reason <text>', 'why, for the record (required)')
    .option('--json', 'one JSON document')
    .addHelpText('after', '\nExample:\n  $ perennial rollback churn --reason "complaints since noon"')
    .action(async (name: string, options: { to?: string; reason: string; json?: boolean }) => {
      const { withContext } = await import('../context.ts');
      const { PerennialError } = await import('#domain/errors.ts');
      await withContext(async (context) => {
        const pipeline = await requirePipeline(context, name, 'Cannot roll back');
        const deployment = await context.deployments.get(pipeline);
        const version =
          options.to === undefined ? await previousOf(context, pipeline) : (parseCount('--to', options.to) as VersionNumber);
        if (version === null || !(await context.registry.get(pipeline, version))) {
          throw new PerennialError(
            'PRN_NOT_FOUND',
            `Cannot roll "${name}" back: ${options.to ? `there is no version ${options.to}` : 'there was no champion before'}; "perennial models list ${name}" shows what there is`,
          );
        }
        const effect = await context.deployments.promote({
          pipeline,
          kind: 'rollback',
          version,
          expectedGeneration: deployment.generation,
          operationKey: `rollback/${name}/${deployment.generation}/${version}`,
          actor: context.config.actor,
          reason: options.reason,
        });
        if (options.json)
          return printJson({ pipeline, version, generation: effect.generation, previous: effect.previousVersion });
        return print(
          `${name}: version ${version} is champion again, generation ${effect.generation}; "perennial status ${name}" shows when servers follow`,
        );
      });
    });
};
