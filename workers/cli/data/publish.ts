import { randomUUID } from 'node:crypto';
import type { Client } from '@temporalio/client';
import type { PipelineName } from '#domain/units.ts';
import { tellWatch } from '../../../infra/temporal/watch.ts';
import { refreshViewsWorkflowId } from '../../../workflows/names.ts';
import type { RefreshOutcome } from '../../../workflows/publish-steps.ts';
import type { refreshViews } from '../../../workflows/refresh-views.ts';
import { withContext } from '../context.ts';
import { requirePipeline } from '../known-pipeline.ts';
import { note, print, printJson, short } from '../output.ts';
import { formatMany } from '../quantity.ts';
import { withTemporal } from '../temporal.ts';
import { failureOf } from '../workflow-failure.ts';

const rejected = 3;

/** As a webhook that data arrived would; who asks while another one works waits for both. */
const refresh = async (client: Client, pipeline: PipelineName, by: string): Promise<RefreshOutcome> => {
  const told = { source: 'command', deliveryId: randomUUID(), pipeline };
  await tellWatch(client, { ...told, arrival: { kind: 'data arrived', text: `said by ${by}` } });
  try {
    return await client.workflow.getHandle<typeof refreshViews>(refreshViewsWorkflowId(pipeline)).result();
  } catch (error) {
    throw failureOf(error);
  }
};

const sentenceOf = (outcome: RefreshOutcome): string => {
  if (outcome.kind !== 'published') return outcome.kind === 'refused' ? outcome.reason : `Nothing to publish: ${outcome.reason}`;
  return `${formatMany(outcome.rows, 'value')} published of data version ${short(outcome.snapshotSha256)}`;
};

export const publish = (asked: string, options: { json?: boolean }): Promise<void> =>
  withContext(async (context) => {
    const pipeline = await requirePipeline(context, asked, 'Cannot publish for');
    const outcome = await withTemporal(context, (client) => refresh(client, pipeline, context.config.actor));
    if (outcome.kind === 'refused') process.exitCode = rejected;
    if (options.json) return printJson({ pipeline, ...outcome });
    const say = outcome.kind === 'refused' ? note : print;
    return say(`${pipeline}: ${sentenceOf(outcome)}`);
  });
