/** How far the data of a pipeline have come, by what servers counted; whoever goes by the time of the data asks here. */
import { type CountedWindow, dataTime, wholeWindows } from '#domain/stats/drift/data-time.ts';
import type { Instant, PipelineName } from '#domain/units.ts';
import type { WatchEvidence, WindowRows } from './watch-evidence.ts';

export type DataClock = {
  /** Of the database, milliseconds since 1970. */
  readonly wallMs: number;
  /** Milliseconds since 1970; null where nothing was counted into a window. */
  readonly dataMs: number | null;
  /** By window and profile, oldest first. */
  readonly rows: readonly WindowRows[];
  /** The same by window alone. */
  readonly windows: readonly CountedWindow[];
};

export const toCounted = ({ from, to, rows }: WindowRows): CountedWindow => ({
  fromMs: Date.parse(from),
  toMs: Date.parse(to),
  rows,
});

/**
 * Rows of one window count together, whichever versions answered them: a rollout, or a champion that changed in the middle of
 * a window, makes no window smaller. Windows that begin before `since` are left out.
 */
export const readDataClock = async (
  evidence: Pick<WatchEvidence, 'windowRows' | 'lastEvents'>,
  pipeline: PipelineName,
  since: Instant | null,
): Promise<DataClock> => {
  const [rows, last] = await Promise.all([evidence.windowRows(pipeline, since), evidence.lastEvents(pipeline)]);
  const [wallMs, windows] = [Date.parse(last.now), wholeWindows(rows.map(toCounted))];
  const events = last.instants.map((one) => Date.parse(one));
  return { wallMs, dataMs: dataTime(windows, events, wallMs), rows, windows };
};
