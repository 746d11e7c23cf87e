import { setTimeout as wait } from 'node:timers/promises';
import { PerennialError } from '#domain/errors.ts';
import type { PipelineName } from '#domain/units.ts';
import type { Context } from '../context.ts';

const limitMs = 60_000;
const lookMs = 200;

/** Throws PRN_SERVING_NO_MODEL where no server answers for the pipeline within a minute. */
export const waitUntilServed = async ({ endpoints }: Context, pipeline: PipelineName): Promise<void> => {
  const deadline = performance.now() + limitMs;
  for (;;) {
    const answer = await fetch(`${endpoints.serveUrl}/v2/models/${pipeline}/ready`).catch(() => null);
    await answer?.body?.cancel();
    if (answer?.ok) return;
    if (performance.now() > deadline)
      throw new PerennialError('PRN_SERVING_NO_MODEL', `Cannot ask "${pipeline}" as no server answers for it after a minute`);
    await wait(lookMs);
  }
};
