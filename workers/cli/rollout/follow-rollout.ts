/** Says each decision about a rollout once it is recorded: a step may take hours, and silence looks like a fault. */
import { setTimeout as wait } from 'node:timers/promises';
import type { PipelineName } from '#domain/units.ts';
import { createDecisions } from '../../../infra/postgres/decisions.ts';
import type { Context } from '../context.ts';
import type { Story } from '../story.ts';

const pollMs = 500;

/** Ends when `ended` is aborted and what was decided until then is told. Those of before are told too, oldest first. */
export const followRollout = async (
  context: Context,
  { pipeline, rolloutId }: { readonly pipeline: PipelineName; readonly rolloutId: string },
  story: Story,
  ended: AbortSignal,
): Promise<void> => {
  const decisions = createDecisions(context.database.db);
  for (let [last, afterId] = [false, 0]; !last; ) {
    last = ended.aborted;
    const made = await decisions.list(pipeline, { kinds: ['rollout'], subject: rolloutId, afterId });
    for (const { id, record } of made) {
      afterId = id;
      story.say(`${record.action.padEnd(9)} ${record.reason}`);
    }
    if (!last) await wait(pollMs, undefined, { signal: ended }).catch(() => undefined);
  }
};
