/** Data arrived: what is published of views follows, without a training. */
import { setHandler } from '@temporalio/workflow';
import type { PipelineName } from '#domain/units.ts';
import { dataArrivedSignal } from './messages.ts';
import type { RefreshOutcome } from './publish-steps.ts';
import { dataSteps } from './step-options.ts';

export type RefreshViewsInput = { readonly format: 1; readonly pipeline: PipelineName };

/**
 * Publishes the newest values of the views of what serves, from the sources as they are now. Started with the signal
 * `dataArrived`; one that comes meanwhile is heard: the sources are read once more, however many came. Ends with what was
 * published last. Order and names of steps may not be changed without a version marker.
 */
export async function refreshViews({ pipeline }: RefreshViewsInput): Promise<RefreshOutcome> {
  let arrived = true;
  setHandler(
    dataArrivedSignal,
    () => {
      arrived = true;
    },
    { description: 'Data came: read the sources again' },
  );
  for (;;) {
    arrived = false;
    const outcome = await dataSteps.refreshViews.executeWithOptions({ summary: `publish what ${pipeline} serves` }, [
      { pipeline },
    ]);
    if (!arrived) return outcome;
  }
}
