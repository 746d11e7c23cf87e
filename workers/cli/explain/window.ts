import { PerennialError } from '#domain/errors.ts';
import type { Instant, PipelineName } from '#domain/units.ts';
import type { PipelineReport } from '../../../infra/report/data.ts';
import { readPipelineReport } from '../../../infra/report/read/pipeline.ts';
import type { Context } from '../context.ts';
import { type ListedWindow, readQuarantine, stateOf } from '../quarantine/list-windows.ts';
import { reportLines } from '../report/text.ts';
import { decisionLines, readDecision } from './decision.ts';
import type { Depth } from './lines.ts';

/** Further back nobody asks whether a window still counts for nothing. */
const windowsSearched = 1_000;

/** The window that begins then, and what was decided about it. Throws PRN_NOT_FOUND. */
export const readWindowStory = async (context: Context, pipeline: PipelineName, from: Instant) => {
  const report = await readPipelineReport({ db: context.database.db, content: context.content }, pipeline, { window: from });
  if (report.window?.from !== from)
    throw new PerennialError(
      'PRN_NOT_FOUND',
      `Cannot explain the window of "${pipeline}" that begins at ${from}: none was measured; "perennial drift report ${pipeline}" shows the newest`,
    );
  const subject = `${report.window.from}/${report.window.to}`;
  const about = report.decisions.filter((one) => one.subject === subject);
  const quarantined = (await readQuarantine(context.database.db, pipeline, windowsSearched)).filter((one) => one.from === from);
  return { report, quarantined, decisions: await Promise.all(about.map(({ id }) => readDecision(context, id))) };
};

const quarantineLines = (pipeline: PipelineName, windows: readonly ListedWindow[]): string[] => {
  const [newest] = windows;
  if (newest === undefined) return [];
  if (newest.releasedAt !== null) return [`  it was in quarantine: ${stateOf(newest)}`];
  return [
    `  it counts for nothing: \`perennial quarantine release ${pipeline} ${newest.from.slice(0, 16)} --reason …\` lets it count`,
  ];
};

/** What the window itself shows: rollouts and performance have explanations of their own. */
const ofWindow = (report: PipelineReport): PipelineReport => ({ ...report, rollouts: [], performance: null });

export const windowLines = (
  { report, quarantined, decisions }: Awaited<ReturnType<typeof readWindowStory>>,
  depth: Depth,
): string[] => [
  ...reportLines(ofWindow(report)),
  ...report.variables.filter(({ state, reason }) => state !== 'ok' && reason !== '').map(({ reason }) => `  ${reason}`),
  ...quarantineLines(report.pipeline, quarantined),
  ...decisions.flatMap((one) => ['', ...decisionLines(one, depth)]),
];
