import { PerennialError } from '#domain/errors.ts';
import type { PipelineName } from '#domain/units.ts';
import { startWatch, wakeWatch } from '../../../infra/temporal/ask-watch.ts';
import type { Decision } from '../../../workflows/messages.ts';
import type { Context } from '../context.ts';
import { withTemporal } from '../temporal.ts';
import { settleSchedule } from './settle-pipeline.ts';

/**
 * Ends a pause, or a snooze of the watch alone; returns what to print. Again after a failure does the rest. Throws
 * PRN_CONFLICT where nothing rests, PRN_UNREACHABLE.
 */
export const resumePipeline = (context: Context, pipeline: PipelineName, decision: Decision): Promise<string> =>
  withTemporal(context, async (client) => {
    const { changed } = await context.pipelines.resume({ pipeline, actor: decision.by, reason: decision.reason });
    const schedule = await settleSchedule(context, client, pipeline);
    const woken = await wakeWatch(client, pipeline, decision);
    if (!changed && !woken && schedule !== 'changed') {
      throw new PerennialError('PRN_CONFLICT', `Cannot resume "${pipeline}" as it is not paused and its watch is not snoozed`);
    }
    await startWatch(client, pipeline);
    return `${pipeline}: resumed; it retrains by itself again`;
  });
