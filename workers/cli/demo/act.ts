/** One run of the demo: start it, follow its stages aloud, tell the verdict. */
import { setTimeout as wait } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import type { RetrainOutcome } from '#domain/contracts/retrain.ts';
import type { Context } from '../context.ts';
import { paint, short } from '../output.ts';
import { type RunWish, type StartedRun, startRun } from '../start-run.ts';
import type { Story } from './story.ts';

const pollMs = 250;

/** Says each stage once it is done, until the run has ended. */
const followStages = async (context: Context, run: StartedRun, story: Story, ended: AbortSignal): Promise<void> => {
  const told = new Set<string>();
  for (let last = false; !last; ) {
    last = ended.aborted;
    for (const stage of await context.runs.stages(run.runKey)) {
      if (stage.state !== 'done' || told.has(stage.stage)) continue;
      told.add(stage.stage);
      story.say(`${paint('green', '✓', story.out)} ${stage.stage.padEnd(9)} ${stage.summary}`);
    }
    if (!last) await wait(pollMs, undefined, { signal: ended }).catch(() => undefined);
  }
};

const colours = { promoted: 'green', rejected: 'yellow', inconclusive: 'yellow', held: 'yellow', failed: 'red' } as const;

export const actOut = async (context: Context, client: Client, story: Story, wish: RunWish): Promise<RetrainOutcome> => {
  const run = await startRun(context, client, wish);
  story.say(`started ${run.workflowId}`);
  const ended = new AbortController();
  const following = followStages(context, run, story, ended.signal);
  try {
    const outcome = await run.outcome();
    ended.abort();
    await following;
    story.say(`${paint([colours[outcome.verdict], 'bold'], outcome.verdict, story.out)}: ${outcome.reason}`);
    story.aside(
      `data version ${short(outcome.dataVersion)}${outcome.modelVersion === null ? '' : `, model version ${outcome.modelVersion}`}`,
    );
    return outcome;
  } finally {
    ended.abort();
  }
};
