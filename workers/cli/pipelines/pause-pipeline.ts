import type { Client } from '@temporalio/client';
import type { PipelineName } from '#domain/units.ts';
import { pauseWatch, wakeWatch } from '../../../infra/temporal/ask-watch.ts';
import type { Decision } from '../../../workflows/messages.ts';
import type { Context } from '../context.ts';
import { requirePipeline } from '../known-pipeline.ts';
import { settleSchedule } from './settle-pipeline.ts';

const findPause = async (context: Context, pipeline: PipelineName) => (await context.pipelines.state(pipeline))?.paused ?? null;

/** Whoever resumed meanwhile may have found the watch awake: it would rest for years, and nobody would know why. */
const wakeAgain = async (context: Context, client: Client, pipeline: PipelineName, decision: Decision): Promise<void> => {
  await settleSchedule(context, client, pipeline);
  await wakeWatch(client, pipeline, decision);
};

export type Paused = { readonly pipeline: PipelineName; readonly changed: boolean };

/**
 * Nothing retrains by itself until it is resumed; what serves goes on, and so does a run under way. The database first:
 * whoever asks from then on is told, also where the rest has to be done again. Throws PRN_NOT_FOUND, PRN_UNREACHABLE.
 */
export const pausePipeline = async (
  context: Context,
  client: Client,
  asked: string,
  { by, reason }: Decision,
): Promise<Paused> => {
  const pipeline = await requirePipeline(context, asked, 'Cannot pause');
  const { changed } = await context.pipelines.pause({ pipeline, actor: by, reason });
  const paused = await findPause(context, pipeline);
  await settleSchedule(context, client, pipeline);
  await pauseWatch(client, pipeline, { by: paused?.by ?? by, reason: paused?.reason ?? reason });
  if ((await findPause(context, pipeline)) === null) await wakeAgain(context, client, pipeline, { by, reason });
  return { pipeline, changed };
};
