/** What a run tells people of itself: that it waits for somebody, and how it ended where nobody else tells of it. */
import { patched, workflowInfo } from '@temporalio/workflow';
import type { NoticeEvent } from '#domain/notice-events.ts';
import type { RunRef } from './run-ref.ts';
import { quickSteps } from './step-options.ts';
import { passOverUntold } from './untold.ts';

/** Guards all of it: runs that began before tell nobody. */
const tellsPeople = 'tell-people';

/**
 * Tells people of one event, once for each try of a run, however often it is asked. That nobody can be told, say because the
 * newest definition cannot be read, is no reason to stop. Throws a cancellation only.
 */
export const tellOfRun = async (
  { pipeline, runKey }: Pick<RunRef, 'pipeline' | 'runKey'>,
  event: NoticeEvent,
  text: string,
): Promise<void> => {
  if (!patched(tellsPeople)) return;
  const { workflowId, firstExecutionRunId } = workflowInfo();
  const key = `${workflowId}/${firstExecutionRunId}/${event}`;
  const told = `${pipeline}: ${text}`.slice(0, 2_000);
  try {
    await quickSteps.sendNotice.executeWithOptions({ summary: `tell: ${event}` }, [
      { key, pipeline, event, text: told, link: `/runs/${runKey}` },
    ]);
  } catch (error) {
    passOverUntold(event, error);
  }
};
