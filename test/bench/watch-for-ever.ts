/**
 * One watch over ten thousand windows, on a real Temporal with pretended steps: how long its histories become, how large the
 * state that it carries, and whether the worker's memory grows with the windows.
 * Parameters: [windows, 10000] [windows a look, 8].
 */
import { DefaultLogger, Runtime } from '@temporalio/worker';
import { loadConfig } from '../../infra/config.ts';
import { findTemporalBinary } from '../../infra/temporal/binary.ts';
import { pretendSteps } from '../workflows/pretend.ts';
import { measured, newCursor, watchPlan, windowOf } from '../workflows/pretend-watch.ts';
import { startWatch, tellStory, until, type WatchHandle } from '../workflows/watch-story.ts';
import { openWorld, type World } from '../workflows/world.ts';

const say = (line: string): void => void process.stdout.write(`${line}\n`);
const mib = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(0)} MiB`;

/** A history above this takes a second to replay, and Temporal begins to warn at ten thousand. */
const mostEvents = 1_500;
/** Four fifths of the windows may not cost more than garbage that was not collected yet. */
const mostGrowth = 1.3;

type Mark = { readonly windows: number; readonly memoryBytes: number };

const collect = (globalThis as { gc?: () => void }).gc ?? ((): void => {});

const watchGrowth = async (handle: WatchHandle, windows: number, judged: () => number) => {
  const marks: Mark[] = [];
  for (const share of [0.2, 0.4, 0.6, 0.8, 1]) {
    const wanted = Math.floor(windows * share);
    await until(`${wanted} windows`, () => judged() >= wanted, judged, 3_600_000);
    const { historyLength } = await handle.describe();
    collect();
    marks.push({ windows: wanted, memoryBytes: process.memoryUsage().rss });
    say(
      `${wanted} windows: ${historyLength} events in this run, ${mib(process.memoryUsage().rss)} resident with Temporal's worker`,
    );
  }
  return marks;
};

/** Events of the runs that the watch ended by going on as new; the list is a moment behind, the others are in it. */
const historyLengths = async ({ client }: World, workflowId: string): Promise<readonly number[]> => {
  const lengths: number[] = [];
  for await (const { historyLength } of client.workflow.list({ query: `WorkflowId = '${workflowId}'` }))
    lengths.push(historyLength);
  return lengths;
};

export const run = async ([windows = '10000', atOnce = '8']: readonly string[]): Promise<void> => {
  Runtime.install({
    logger: new DefaultLogger('ERROR'),
    telemetryOptions: { logging: { filter: { core: 'ERROR', other: 'ERROR' } } },
  });
  const pretend = pretendSteps();
  const { path } = await findTemporalBinary(loadConfig(), (line) => process.stderr.write(`${line}\n`));
  const world = await openWorld(pretend, { binary: path });
  let [day, rows] = [0, 0];
  const story = tellStory(pretend, 'for-ever', {}, { on: [] });
  pretend.change({
    openWatch: async ({ pipeline }) => ({ plan: watchPlan({ pipeline, everyMs: 1 }, { on: [] }), cursor: newCursor() }),
    measureWatch: async (input) => {
      // The pretend remembers every call, and it is not its memory that is measured.
      pretend.calls.length = 0;
      const found = Array.from({ length: Math.min(Number(atOnce), Number(windows) - day) }, (_, at) => windowOf(day + at, 0.01));
      day += found.length;
      return { ...measured(0), dataTime: found.at(-1)?.observation.to ?? input.dataTime, windows: found };
    },
    recordDecisions: async ({ decisions }) => {
      rows += decisions.length;
    },
  });
  const startedAt = performance.now();
  const handle = await startWatch(world, story);
  const marks = await watchGrowth(handle, Number(windows), () => rows / 2);
  await handle.terminate('the bench is over');
  const lengths = await historyLengths(world, handle.workflowId);
  const longest = Math.max(...lengths);
  const [first, last] = [marks[0] as Mark, marks.at(-1) as Mark];
  const growth = last.memoryBytes / first.memoryBytes;
  say(`${windows} windows in ${((performance.now() - startedAt) / 1000).toFixed(0)} s, ${rows} rows of decisions`);
  say(`${lengths.length} runs, the longest history: ${longest} events ${longest <= mostEvents ? '<=' : '>'} ${mostEvents}`);
  say(
    `memory from ${first.windows} to ${last.windows} windows: ${growth.toFixed(2)} times ${growth <= mostGrowth ? '<=' : '>'} ${mostGrowth}`,
  );
  process.exitCode = longest <= mostEvents && growth <= mostGrowth ? 0 : 3;
  await world.close();
  await Runtime.instance().shutdown();
};
