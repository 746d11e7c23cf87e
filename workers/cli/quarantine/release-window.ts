/** A person lets a quarantined window count again, and the watch hears of it. */
import type { Instant, PipelineName } from '#domain/units.ts';
import { createQuarantine } from '../../../infra/postgres/quarantine.ts';
import { type ReleasedWindow, subjectOfWindow } from '../../../infra/postgres/quarantine-release.ts';
import { tellWatch } from '../../../infra/temporal/watch.ts';
import type { Decision } from '../../../workflows/messages.ts';
import type { Context } from '../context.ts';
import { withTemporal } from '../temporal.ts';

export type Released = {
  readonly pipeline: PipelineName;
  readonly windows: readonly ReleasedWindow[];
  /** Why the watch was not told; null: it looks soon. It hears of the release at its next look all the same. */
  readonly untold: string | null;
};

const wakeWatch = async (context: Context, pipeline: PipelineName, window: ReleasedWindow): Promise<void> => {
  const text = `window ${window.from}/${window.to} released`;
  const told = { source: 'quarantine', deliveryId: subjectOfWindow(pipeline, window), pipeline };
  await withTemporal(context, (client) => tellWatch(client, { ...told, arrival: { kind: 'data arrived', text } }));
};

/** The release is in PostgreSQL, where every look reads it: Temporal is only asked to look sooner. */
export const releaseWindow = async (
  context: Context,
  pipeline: PipelineName,
  from: Instant,
  { by, reason }: Decision,
): Promise<Released> => {
  const windows = await createQuarantine(context.database.db).release({ pipeline, from, actor: by, reason });
  const untold = await wakeWatch(context, pipeline, windows[0] as ReleasedWindow).then(
    () => null,
    (error: Error) => error.message,
  );
  return { pipeline, windows, untold };
};
