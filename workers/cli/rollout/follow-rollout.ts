/** Says each decision about a rollout once it is recorded, and how far it is: a step may take hours, and silence looks like a fault. */
import { setTimeout as wait } from 'node:timers/promises';
import type { PipelineName, RunKey } from '#domain/units.ts';
import { createDecisions } from '../../../infra/postgres/decisions.ts';
import { createRollouts } from '../../../infra/postgres/rollouts.ts';
import { createTallies } from '../../../infra/postgres/tally-totals.ts';
import type { Context } from '../context.ts';
import type { Story } from '../story.ts';
import { createProgressTale, type Progress, progressOf } from './progress.ts';

const pollMs = 500;

type Which = { readonly pipeline: PipelineName; readonly rolloutId: string };

const readProgress = async ({ database: { db } }: Context, { pipeline, rolloutId }: Which): Promise<Progress | null> => {
  const rollout = await createRollouts(db).get(rolloutId);
  const generation = rollout?.segments.at(-1)?.generation;
  if (rollout === null || generation === undefined) return null;
  return progressOf(rollout, await createTallies(db).arms(pipeline, [generation]));
};

/** Ends when `ended` is aborted and what was decided until then is told. Those of before are told too, oldest first. */
export const followRollout = async (context: Context, which: Which, story: Story, ended: AbortSignal): Promise<void> => {
  const { pipeline, rolloutId } = which;
  const [decisions, tale] = [createDecisions(context.database.db), createProgressTale()];
  for (let [last, afterId] = [false, 0]; !last; ) {
    last = ended.aborted;
    const made = await decisions.list(pipeline, { kinds: ['rollout'], subject: rolloutId, afterId });
    for (const { id, record } of made) {
      afterId = id;
      story.say(`${record.action.padEnd(9)} ${record.reason}`);
    }
    const progress = await readProgress(context, which);
    const line = progress === null ? null : tale(progress, performance.now());
    if (line !== null) story.say(line);
    if (!last) await wait(pollMs, undefined, { signal: ended }).catch(() => undefined);
  }
};

/** Follows the rollout of a run's candidate, once there is one. Ends as `followRollout` does. */
export const followRolloutOfRun = async (context: Context, runKey: RunKey, story: Story, ended: AbortSignal): Promise<void> => {
  const rollouts = createRollouts(context.database.db);
  while (!ended.aborted) {
    const stages = await context.runs.stages(runKey);
    const isPromoting = stages.some(({ stage, state }) => stage === 'promote' && state === 'started');
    const run = isPromoting ? await context.runs.get(runKey) : null;
    const rollout = run === null ? null : await rollouts.running(run.pipeline);
    if (rollout !== null) return followRollout(context, { pipeline: rollout.pipeline, rolloutId: rollout.id }, story, ended);
    await wait(pollMs, undefined, { signal: ended }).catch(() => undefined);
  }
};
