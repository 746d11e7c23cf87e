/** Says each stage of a run once it is done, and where the training is while it takes its time. */
import { setTimeout as wait } from 'node:timers/promises';
import type { RunKey } from '#domain/units.ts';
import type { Context } from './context.ts';
import { cut } from './cut.ts';
import { paint } from './output.ts';
import { stageMark } from './stage-mark.ts';
import type { Story } from './story.ts';

const pollMs = 250;
/** Often enough to show life, seldom enough to leave a page that can be read. */
const progressEveryMs = 10_000;
const summaryWidth = 100;

const tellTraining = async (context: Context, runKey: RunKey, story: Story): Promise<void> => {
  const metrics = await context.runs.metrics(runKey);
  const last = metrics.filter(({ name }) => !name.startsWith('final')).sort((a, b) => b.step - a.step)[0];
  if (last) story.aside(`  training: step ${last.step}, ${last.name} ${last.value.toFixed(4)}`);
};

/** Ends when `ended` is aborted and what was done until then is told. */
export const followStages = async (context: Context, runKey: RunKey, story: Story, ended: AbortSignal): Promise<void> => {
  const told = new Set<string>();
  let progressAt = performance.now() + progressEveryMs;
  for (let last = false; !last; ) {
    last = ended.aborted;
    const stages = await context.runs.stages(runKey);
    for (const { stage, state, summary } of stages) {
      if (state !== 'done' || told.has(stage)) continue;
      told.add(stage);
      const [sign, colour] = stageMark(stage, summary);
      story.say(`${paint(colour, sign, story.out)} ${stage.padEnd(9)} ${cut(summary, summaryWidth)}`);
    }
    const training = stages.some(({ stage, state }) => stage === 'train' && state === 'started');
    if (training && performance.now() > progressAt) {
      await tellTraining(context, runKey, story);
      progressAt = performance.now() + progressEveryMs;
    }
    if (!last) await wait(pollMs, undefined, { signal: ended }).catch(() => undefined);
  }
};
