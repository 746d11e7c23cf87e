/** One run of the demo: start it, follow its stages aloud, tell the verdict and every reason. */
import type { Client } from '@temporalio/client';
import type { RetrainOutcome } from '#domain/contracts/retrain.ts';
import type { Context } from '../context.ts';
import { followStages } from '../follow.ts';
import { paint, short } from '../output.ts';
import { type RunWish, startRun } from '../start-run.ts';
import type { Story } from '../story.ts';

const colours = { promoted: 'green', rejected: 'yellow', inconclusive: 'yellow', held: 'yellow', failed: 'red' } as const;

export const actOut = async (context: Context, client: Client, story: Story, wish: RunWish): Promise<RetrainOutcome> => {
  const run = await startRun(context, client, wish);
  story.say(`started ${run.workflowId}`);
  const ended = new AbortController();
  const following = followStages(context, run.runKey, story, ended.signal);
  try {
    const outcome = await run.outcome();
    ended.abort();
    await following;
    story.say(paint([colours[outcome.verdict], 'bold'], outcome.verdict, story.out));
    for (const reason of outcome.reason.split('; ')) story.aside(`because ${reason}`);
    story.aside(
      `data version ${short(outcome.dataVersion)}${outcome.modelVersion === null ? '' : `, model version ${outcome.modelVersion}`}`,
    );
    return outcome;
  } finally {
    ended.abort();
  }
};
