import type { Command } from 'commander';
import type { Instant, PipelineName } from '#domain/units.ts';
import type { PipelineReport } from '../../../infra/report/data.ts';
import type { Context } from '../context.ts';
import { note, print, printJson } from '../output.ts';
import { formatBytes } from '../quantity.ts';

type Options = { readonly html?: string; readonly json?: boolean; readonly window?: string; readonly check?: boolean };

/** As a gate that fails, and one that cannot tell. */
const exits: Readonly<Record<string, number>> = { fail: 3, inconclusive: 8, error: 1 };

const requireWindow = async (asked: string, from: Instant | undefined, report: PipelineReport): Promise<void> => {
  if (from === undefined || report.window?.from === from) return;
  const { PerennialError } = await import('#domain/errors.ts');
  const newest = report.windows.slice(-3).map((one) => one.from.slice(0, 16));
  const known = newest.length === 0 ? 'none was measured' : `the newest begin at ${newest.join(', ')}`;
  throw new PerennialError('PRN_NOT_FOUND', `Cannot show window "${asked}" of "${report.pipeline}": ${known}`);
};

const report = async (context: Context, pipeline: PipelineName, options: Options): Promise<void> => {
  const [{ readReportData }, { parseWindow }] = await Promise.all([
    import('../../../infra/report/read.ts'),
    import('../report/parse-window.ts'),
  ]);
  const window = options.window === undefined ? undefined : parseWindow(options.window);
  const sources = { db: context.database.db, content: context.content };
  const madeAt = new Date().toISOString() as Instant;
  const data = await readReportData(sources, [pipeline], { title: `Drift of ${pipeline}`, madeAt, ...(window && { window }) });
  const found = data.pipelines[0] as PipelineReport;
  await requireWindow(options.window ?? '', window, found);
  if (options.html !== undefined) {
    const { writeDriftReport } = await import('../../../infra/report/write.ts');
    note(
      `Wrote ${options.html}, ${formatBytes(await writeDriftReport(data, options.html))}: open it in any browser, it asks nobody for anything`,
    );
  }
  if (options.json) printJson(found);
  else for (const line of (await import('../report/text.ts')).reportLines(found)) print(line);
  if (options.check) process.exitCode = exits[found.window?.verdict.outcome ?? 'inconclusive'] ?? 0;
};

export const register = (program: Command): void => {
  const drift = program.command('drift').description('Show how live traffic differs from what a model was trained on');
  drift
    .command('report')
    .description('Every variable of the newest window with its drift; as a page with plots with --html')
    .argument('<pipeline>')
    .option('--html <file>', 'also write one self-contained page: distributions, scores, performance, rollouts, decisions')
    .option('--window <start>', 'the window that begins then (UTC), such as 2001-02-05; the newest without it')
    .option('--check', 'exit code 3 where the window has drifted, 8 where it cannot be told')
    .option('--json', 'one JSON document')
    .addHelpText('after', '\nExamples:\n  $ perennial drift report churn\n  $ perennial drift report churn --html drift.html')
    .action(async (name: string, options: Options) => {
      const { withContext } = await import('../context.ts');
      await withContext(async (context) => {
        const { requirePipeline } = await import('../known-pipeline.ts');
        await report(context, await requirePipeline(context, name, 'Cannot report drift of'), options);
      });
    });
};
