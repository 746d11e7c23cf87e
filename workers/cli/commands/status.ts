import type { Command } from 'commander';
import type { Context } from '../context.ts';
import { paint, print, printJson } from '../output.ts';
import type { AskTemporal, Status } from '../status/gather.ts';
import type { Look } from '../status/view.ts';

type Options = { readonly json?: boolean; readonly watch?: boolean };

/** Often enough to see a share change, seldom enough for a database with a thousand pipelines. */
const watchEveryMs = 1_000;

/** Without the database's address, which holds a password: this ends in the logs of other programs. */
const linksOf = ({ endpoints }: Context) => ({ ...endpoints, databaseUrl: undefined });
const documentOf = (context: Context, { pipelines, ...rest }: Status) => ({ ...rest, pipelines, links: linksOf(context) });

const styles = { good: 'green', bad: 'red', wait: 'yellow', quiet: 'dim', head: 'bold' } as const;
const lookOf = (): Look => ({
  width: process.stdout.isTTY ? process.stdout.columns || 80 : null,
  paint: (tone, text) => (tone === 'plain' ? text : paint(styles[tone], text)),
});

const untilInterrupted = (): AbortSignal => {
  const ended = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => ended.abort());
  return ended.signal;
};

const watch = async (look: () => Promise<Status>, show: (status: Status) => void): Promise<void> => {
  const { setTimeout: wait } = await import('node:timers/promises');
  const ended = untilInterrupted();
  while (!ended.aborted) {
    show(await look());
    await wait(watchEveryMs, undefined, { signal: ended }).catch(() => undefined);
  }
};

const showerOf = async (context: Context, asJson: boolean): Promise<(status: Status) => void> => {
  if (asJson) return (status) => print(JSON.stringify(documentOf(context, status)));
  const [{ statusLines }, live] = await Promise.all([import('../status/view.ts'), import('../status/live.ts')]);
  const frames = process.stdout.isTTY ? live.createRedrawn(process.stdout) : live.createAppended(print);
  return (status) => frames.show(statusLines(status, lookOf()));
};

const showOnce = async (context: Context, status: Status, asJson: boolean): Promise<void> => {
  if (asJson) return printJson(documentOf(context, status));
  const { statusLines } = await import('../status/view.ts');
  for (const line of statusLines(status, lookOf())) print(line);
};

const act = async (context: Context, temporal: AskTemporal, pipeline: string | undefined, options: Options): Promise<void> => {
  const { gatherStatus } = await import('../status/gather.ts');
  const asJson = options.json === true;
  const look = (): Promise<Status> => gatherStatus(context, temporal, pipeline);
  if (options.watch) await watch(look, await showerOf(context, asJson));
  else await showOnce(context, await look(), asJson);
};

export const register = (program: Command): void => {
  program
    .command('status')
    .description('Show pipelines: champion, rollout, watch, verdicts, servers, what waits, the last runs')
    .argument('[pipeline]')
    .option('-w, --watch', 'keep looking, once a second; on a terminal in place, else a line for each that changed')
    .option('--json', 'one JSON document; with --watch one a line')
    .addHelpText('after', '\nExamples:\n  $ perennial status churn\n  $ perennial status --watch')
    .action(async (pipeline: string | undefined, options: Options) => {
      const { withContext } = await import('../context.ts');
      const { withTemporalIfThere } = await import('../status/gather.ts');
      await withContext(async (context) => {
        const { requirePipeline } = await import('../known-pipeline.ts');
        if (pipeline !== undefined) await requirePipeline(context, pipeline, 'Cannot show');
        await withTemporalIfThere(context, (temporal) => act(context, temporal, pipeline, options));
      });
    });
};
