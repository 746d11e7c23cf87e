import { isCancellation, log } from '@temporalio/workflow';
import type { NoticeEvent } from '#domain/notice-events.ts';
import { isFailure, messageOf } from './failures.ts';

/**
 * For what a notice failed with: that nobody can be told, say because the newest definition cannot be read, is no reason to
 * stop. Throws cancellations and mistakes in code again. It waits for nothing, so that the order of steps is that of its caller.
 */
export const passOverUntold = (event: NoticeEvent, error: unknown): void => {
  if (isCancellation(error) || !isFailure(error)) throw error;
  log.error('people not told', { event, reason: messageOf(error) });
};
