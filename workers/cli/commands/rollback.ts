import { type Command, Option } from 'commander';
import type { RollBackOutcome } from '#domain/contracts/rollout.ts';
import type { VersionNumber } from '#domain/units.ts';
import type { Context } from '../context.ts';
import { requirePipeline } from '../known-pipeline.ts';
import { note, print, printJson } from '../output.ts';
import { formatCount, formatMany, parseCount } from '../quantity.ts';
import type { Despite } from '../rollout/same-question.ts';

const tell = (outcome: RollBackOutcome, unpublished: string | null): void => {
  const { pipeline, championVersion, takenBack, generation, confirmed, observed, harmed } = outcome;
  print(`${pipeline}: version ${championVersion} serves, version ${takenBack} was taken back; generation ${generation}`);
  print(confirmed ? `  seen: ${observed}` : `  not confirmed: ${observed}`);
  if (harmed !== null)
    print(
      `  version ${takenBack} answered ${formatMany(harmed.requests, 'request')}; ${formatCount(harmed.events)} of them went wrong`,
    );
  if (unpublished !== null) print(unpublished);
};

/** What was done stands, whether or not this can be told. */
const findUnpublished = async (context: Context, { pipeline, championVersion }: RollBackOutcome): Promise<string[]> => {
  const { unpublishedViews } = await import('../unpublished-views.ts');
  return unpublishedViews(context, pipeline, championVersion).catch((error: Error) => {
    note(`cannot tell whether version ${championVersion} finds published values: ${error.message}`);
    return [];
  });
};

type Options = { to?: string; reason: string; by?: string; force?: boolean; despite?: Despite; json?: boolean };

export const register = (program: Command): void => {
  program
    .command('rollback')
    .description('Take back the version that is being rolled out; without one, make the champion before serve again')
    .argument('<pipeline>')
    .option('--to <version>', 'version to serve')
    .requiredOption('--reason <text>', 'why, for the record (required)')
    .option('--force', 'also a version that was itself taken back; only asked for with --to')
    .addOption(
      new Option('--despite <what>', 'accept it by name: that the version answers another question').choices(['question']),
    )
    .option('--by <name>', 'who decides; absent: you')
    .option('--json', 'one JSON document')
    .addHelpText('after', '\nExample:\n  $ perennial rollback churn --reason "complaints since noon"')
    .action(async (name: string, options: Options) => {
      const { withContext } = await import('../context.ts');
      const { withTemporal } = await import('../temporal.ts');
      const { runRollBack } = await import('../start-roll-back.ts');
      const { requestOnRecord } = await import('../rollout/check-roll-back.ts');
      const { createRollouts } = await import('../../../infra/postgres/rollouts.ts');
      const { PerennialError } = await import('#domain/errors.ts');
      await withContext(async (context) => {
        const pipeline = await requirePipeline(context, name, 'Cannot roll back');
        const to = options.to === undefined ? null : (parseCount('--to', options.to) as VersionNumber);
        const { generation } = await context.deployments.get(pipeline);
        if (generation === 0) {
          const message = `Cannot roll "${name}" back: nothing was ever promoted; "perennial models list ${name}" shows what there is`;
          throw new PerennialError('PRN_NOT_FOUND', message);
        }
        const by = options.by ?? context.config.actor;
        const asked = { format: 1, pipeline, generation, to, by, reason: options.reason } as const;
        const rollouts = createRollouts(context.database.db);
        const request = await requestOnRecord({ ...context, rollouts }, asked, options);
        if (!options.json) note(`asks for ${name} to be rolled back, and waits until the servers report it`);
        const outcome = await withTemporal(context, (client) => runRollBack(client, request));
        const views = await findUnpublished(context, outcome);
        if (options.json) return printJson({ ...outcome, unpublishedViews: views });
        const { unpublishedText } = await import('../unpublished-views.ts');
        return tell(outcome, views.length === 0 ? null : unpublishedText(pipeline, outcome.championVersion, views));
      });
    });
};
