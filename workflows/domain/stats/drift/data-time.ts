/** Rows that were counted into one window, whoever answered them; instants in epoch milliseconds. */
export type CountedWindow = { readonly fromMs: number; readonly toMs: number; readonly rows: number };

/** A row may be ahead of the clock by so much before it is called wrong: clocks differ, and zones are forgotten. */
const aheadMs = 3_600_000;

/** Fewer rows than this share of what windows usually have are no sign that time has come so far. */
const smallestShare = 0.05;

/** Few and garbage look alike where windows have a row or two; from there on one row alone moves nothing. */
const enoughOf = (windows: readonly CountedWindow[]): number => {
  const rows = windows.map((one) => one.rows).sort((left, right) => left - right);
  const usual = rows[Math.floor(rows.length / 2)] ?? 0;
  return usual < 2 ? 1 : Math.max(2, Math.ceil(usual * smallestShare));
};

/**
 * One row for each span, in the order in which spans first come: rows that were counted apart, as those of two versions under
 * a profile each, are rows of one window. Nothing for nothing; keeps its argument. Does not throw.
 *
 * Source: definition.
 * @example wholeWindows([{ fromMs: 0, toMs: 10, rows: 9 }, { fromMs: 0, toMs: 10, rows: 2 }])[0].rows // 11
 */
export const wholeWindows = (windows: readonly CountedWindow[]): readonly CountedWindow[] => {
  const sums = new Map<string, CountedWindow>();
  for (const one of windows) {
    const span = `${one.fromMs} ${one.toMs}`;
    sums.set(span, { ...one, rows: one.rows + (sums.get(span)?.rows ?? 0) });
  }
  return [...sums.values()];
};

/** Windows that enough rows stand behind, oldest first, none of them beyond the clock. */
export const believedWindows = (windows: readonly CountedWindow[], wallMs: number): readonly CountedWindow[] => {
  const possible = windows.filter(({ fromMs, rows }) => rows > 0 && fromMs <= wallMs + aheadMs);
  const enough = enoughOf(possible);
  return possible.filter(({ rows }) => rows >= enough).sort((left, right) => left.fromMs - right.fromMs);
};

/**
 * How far the data have come (the watermark), in epoch milliseconds: the newest event time that lies in the newest window
 * with enough rows. A row with a wrong event time, or a server whose clock has jumped, does not move it: rows beyond the
 * wall clock do not count, nor do windows with fewer rows than a twentieth of the usual (the median), nor one row alone.
 * Where no process reported an event time in that window, its beginning. Null without windows.
 *
 * `windows` need not be sorted, one for each span (`wholeWindows`); `lastEventsMs` are the newest event times of processes, in any order.
 *
 * Source: definition.
 * @example dataTime([{ fromMs: 0, toMs: 10, rows: 9 }], [7, 99], 50) // 7
 */
export const dataTime = (windows: readonly CountedWindow[], lastEventsMs: readonly number[], wallMs: number): number | null => {
  const newest = believedWindows(windows, wallMs).at(-1);
  if (newest === undefined) return null;
  const within = lastEventsMs.filter((ms) => ms >= newest.fromMs && ms < newest.toMs && ms <= wallMs + aheadMs);
  return Math.max(newest.fromMs, ...within);
};
