/** One run of the demo: follow its stages aloud, tell the verdict and every reason. */
import type { RetrainOutcome } from '#domain/contracts/retrain.ts';
import { retrainOutcomeSchema } from '#domain/contracts/retrain.ts';
import type { RunKey } from '#domain/units.ts';
import type { Context } from '../context.ts';
import { followStages } from '../follow.ts';
import { paint, short } from '../output.ts';
import { type RunWish, startRun } from '../start-run.ts';
import type { Story } from '../story.ts';
import { patiently } from './patience.ts';
import type { Setting } from './scene.ts';

const colours = { promoted: 'green', rejected: 'yellow', inconclusive: 'yellow', held: 'yellow', failed: 'red' } as const;

const tellOutcome = (story: Story, outcome: RetrainOutcome): void => {
  story.say(paint([colours[outcome.verdict], 'bold'], outcome.verdict, story.out));
  for (const reason of outcome.reason.split('; ')) story.aside(`because ${reason}`);
  const version = outcome.modelVersion === null ? '' : `, model version ${outcome.modelVersion}`;
  story.aside(`data version ${short(outcome.dataVersion)}${version}`);
};

const followed = async (
  context: Context,
  story: Story,
  runKey: RunKey,
  end: () => Promise<RetrainOutcome>,
): Promise<RetrainOutcome> => {
  const ended = new AbortController();
  const following = patiently(() => followStages(context, runKey, story, ended.signal));
  try {
    const outcome = await patiently(end);
    ended.abort();
    await following;
    tellOutcome(story, outcome);
    return outcome;
  } finally {
    ended.abort();
  }
};

/** Starts a run and waits for its verdict. */
export const actOut = async ({ context, client, story }: Setting, wish: RunWish): Promise<RetrainOutcome> => {
  const run = await patiently(() => startRun(context, client, wish));
  story.say(`started ${run.workflowId}`);
  return followed(context, story, run.runKey, run.outcome);
};

const recordedEnd = async (context: Context, runKey: RunKey): Promise<RetrainOutcome | null> => {
  const run = await context.runs.get(runKey);
  return run?.result == null ? null : retrainOutcomeSchema.parse(run.result);
};

/** Follows a run that somebody else started; `wait` gives what `look` finds in the end. */
export const watchRun = (
  { context, story }: Setting,
  runKey: RunKey,
  wait: (look: () => Promise<RetrainOutcome | null>) => Promise<RetrainOutcome>,
): Promise<RetrainOutcome> => followed(context, story, runKey, () => wait(() => patiently(() => recordedEnd(context, runKey))));
