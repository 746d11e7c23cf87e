/** What the schedule of the retention starts each day. */
import type { RetentionSummary } from './retention-steps.ts';
import { dataSteps } from './step-options.ts';

export type ApplyRetentionInput = { readonly format: 1 };

/**
 * Deletes what has outlived `retention` of its pipeline file, of all pipelines, and ends with what went and what had to
 * stay. Accepts no messages. A day that is left out costs nothing: the next one deletes what is old by then.
 */
export async function applyRetention({ format }: ApplyRetentionInput): Promise<RetentionSummary> {
  return dataSteps.expireData.executeWithOptions({ summary: 'delete what has outlived its retention' }, [{ format }]);
}
