import type { Command } from 'commander';
import { note, print, printJson, table } from '../output.ts';
import { formatCount, parseCount } from '../quantity.ts';

const list = async (name: string, options: { limit: string; json?: boolean }): Promise<void> => {
  const { withContext } = await import('../context.ts');
  const { requirePipeline } = await import('../known-pipeline.ts');
  const { readQuarantine, stateOf, whyOf } = await import('../quarantine/list-windows.ts');
  const limit = parseCount('--limit', options.limit);
  await withContext(async (context) => {
    const pipeline = await requirePipeline(context, name, 'Cannot list the quarantine of');
    const windows = await readQuarantine(context.database.db, pipeline, limit);
    if (options.json) return printJson({ pipeline, windows });
    if (windows.length === 0) return print(`No window of ${pipeline} was ever quarantined`);
    const rows = windows.map((one) => [
      one.from.slice(0, 16),
      one.to.slice(0, 16),
      formatCount(one.rows),
      stateOf(one),
      whyOf(one),
    ]);
    return print(table([['window', 'until', 'rows', 'state', 'why'], ...rows]));
  });
};

type ReleaseOptions = { reason: string; by?: string; json?: boolean };

const release = async (name: string, window: string, options: ReleaseOptions): Promise<void> => {
  const { withContext } = await import('../context.ts');
  const { requirePipeline } = await import('../known-pipeline.ts');
  const { parseWindow } = await import('../report/parse-window.ts');
  const { releaseWindow } = await import('../quarantine/release-window.ts');
  const from = parseWindow(window);
  await withContext(async (context) => {
    const pipeline = await requirePipeline(context, name, 'Cannot release a window of');
    const decision = { by: options.by ?? context.config.actor, reason: options.reason };
    const released = await releaseWindow(context, pipeline, from, decision);
    if (released.untold !== null) note(`The watch hears of it at its next look: ${released.untold}`);
    if (options.json) return printJson({ ...released, ...decision });
    const { windowText } = await import('../status/moments.ts');
    for (const { from: begin, to } of released.windows) print(`${pipeline}: ${windowText(begin, to)} counts again`);
    return undefined;
  });
};

export const register = (program: Command): void => {
  const quarantine = program
    .command('quarantine')
    .description('List windows of live traffic whose data are broken, and let them count again');
  quarantine
    .command('list')
    .description('Windows that were set aside, newest first, with why, and who released them')
    .argument('<pipeline>')
    .option('--limit <n>', 'how many', '20')
    .option('--json', 'one JSON document')
    .addHelpText('after', '\nExample:\n  $ perennial quarantine list churn')
    .action(list);
  quarantine
    .command('release')
    .description('Say that the data of a window were sound after all')
    .argument('<pipeline>')
    .argument('<window>', 'when it begins (UTC), such as 2001-02-05 or 2001-02-05T06:00')
    .requiredOption('--reason <text>', 'why, for the record (required)')
    .option('--by <name>', 'who decides; absent: you')
    .option('--json', 'one JSON document')
    .addHelpText(
      'after',
      `
The window no longer keeps the pipeline from a retrain, and counts for performance where its labels mature from now on.
Its drift stays unjudged: windows are judged in their order, once. Rows that a check sets aside before a training are
another thing: \`perennial data show SNAPSHOT --quarantined\` shows them, and a changed check takes them in.

Example:
  $ perennial quarantine release churn 2001-02-05 --reason "the new tariff is real"`,
    )
    .action(release);
};
