import { PerennialError } from '#domain/errors.ts';
import type { PipelineName } from '#domain/units.ts';
import type { WatchDeps } from './watch-deps.ts';

const start = (pipeline: PipelineName): string => `Cannot retrain "${pipeline}" by itself as`;

/**
 * A watch reads of a pause at its next look only, and may be older than a deletion: whoever begins a run in its name asks
 * here, last. Throws PRN_CONFLICT.
 */
export const requireAwake = async ({ evidence }: Pick<WatchDeps, 'evidence'>, pipeline: PipelineName): Promise<void> => {
  const [deleted, paused] = await Promise.all([evidence.isDeleted(pipeline), evidence.paused(pipeline)]);
  if (deleted)
    throw new PerennialError('PRN_CONFLICT', `${start(pipeline)} it was deleted: \`perennial apply PATH\` brings it back`);
  if (paused === null) return;
  const { by, reason } = paused;
  throw new PerennialError(
    'PRN_CONFLICT',
    `${start(pipeline)} ${by} paused it (${reason}): \`perennial resume ${pipeline} --reason …\` ends it`,
  );
};
