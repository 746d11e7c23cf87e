/** Which windows a snapshot is cut into, and which of them are alike. */
import type { Season } from '#domain/contracts/reference-profile.ts';
import { volumeOverdispersion } from '#domain/stats/drift/row-volume.ts';
import { slotOf } from '#domain/stats/drift/season.ts';
import { dayMs, hourMs } from '#domain/units.ts';
import type { Duck } from '../tabular/duckdb.ts';
import type { ProfiledRows } from './rows.ts';

/** Enough for a conformal p-value of 0.002; each more costs every variable some 100 bytes of the profile. */
const mostWindows = 500;

/** Windows are [n windowMs, (n + 1) windowMs) since 1970-01-01 UTC, n the number of a window. */
export type WindowPlan = {
  readonly slot: Season['slot'];
  readonly windowMs: number;
  /** Windows after which the slots of the season come again; 1 without a season. */
  readonly period: number;
  /** Numbers of the first and the last window with a row. */
  readonly first: number;
  readonly last: number;
  /** From this window on each is counted by itself; earlier ones together with those of their slot. */
  readonly recentFrom: number;
};

/**
 * The season that windows of that length can be compared by, from a snapshot that spans so long.
 *
 * A window must lie within one slot. Windows that divide an hour: hour of week from four weeks on, hour of day from two
 * days on. Other windows that divide a day: day of week from two weeks on. All else has no season: windows are then
 * compared with the whole reference, and their quiet history says how much they differ by themselves.
 */
export const chooseSeason = (windowMs: number, spanMs: number): Season['slot'] => {
  if (hourMs % windowMs === 0) {
    if (spanMs >= 28 * dayMs) return 'hour of week';
    return spanMs >= 2 * dayMs ? 'hour of day' : 'none';
  }
  return dayMs % windowMs === 0 && spanMs >= 14 * dayMs ? 'day of week' : 'none';
};

const slotCounts: Readonly<Record<Season['slot'], number>> = {
  none: 1,
  'hour of day': 24,
  'day of week': 7,
  'hour of week': 168,
};
const seasonMs: Readonly<Record<Season['slot'], number>> = {
  none: 0,
  'hour of day': dayMs,
  'day of week': 7 * dayMs,
  'hour of week': 7 * dayMs,
};

/** Windows of rows that span so long; `slot` where their season is that of other rows. */
export const planWindows = (
  windowMs: number,
  firstMs: number,
  lastMs: number,
  slot: Season['slot'] = chooseSeason(windowMs, lastMs - firstMs),
): WindowPlan => {
  const [first, last] = [Math.floor(firstMs / windowMs), Math.floor(lastMs / windowMs)];
  const period = Math.max(1, seasonMs[slot] / windowMs);
  return { slot, windowMs, period, first, last, recentFrom: Math.max(first, last - mostWindows + 1) };
};

/** SQL of the number of a row's window. */
const windowSql = (windowMs: number, epochMs: string): string => `CAST(floor((${epochMs}) / ${windowMs}) AS BIGINT)`;

/** SQL of the window that a row is counted in: its own, or for rows long ago the one of its slot just before the recent ones. */
export const groupSql = ({ windowMs, period, recentFrom }: WindowPlan, epochMs: string): string => {
  const window = windowSql(windowMs, epochMs);
  return `CASE WHEN ${window} >= ${recentFrom} THEN ${window} ELSE ${recentFrom - period} + ((${window} - ${recentFrom}) % ${period} + ${period}) % ${period} END`;
};

/** The same of an instant. */
export const groupOf = ({ windowMs, period, recentFrom }: WindowPlan, epochMs: number): number => {
  const window = Math.floor(epochMs / windowMs);
  if (window >= recentFrom) return window;
  return recentFrom - period + ((((window - recentFrom) % period) + period) % period);
};

/** Slot of a window, or of the group that `groupSql` names. */
export const slotOfNumber = ({ slot, windowMs }: WindowPlan, window: number): number => slotOf(slot, window * windowMs);

/** The first and the last window are seldom whole: cut short, they would not be quiet. */
export const isQuiet = ({ first, last, recentFrom }: WindowPlan, window: number): boolean =>
  window >= recentFrom && window > first && window < last;

export const slotsOf = ({ slot }: WindowPlan): number => slotCounts[slot];

/** A snapshot whose rows have no instant. */
export const timeless = (windowMs: number): Season => ({ slot: 'none', slots: 1, windowMs, windowsBySlot: [0] });

/** How many windows with rows each slot has, and how their rows vary. */
export const describeSeason = async (db: Duck, rows: ProfiledRows, plan: WindowPlan): Promise<Season> => {
  const { slot, windowMs } = plan;
  const window = windowSql(windowMs, rows.epochMs as string);
  const volumes = await db.rows<{ window: number; rows: number }>(
    `SELECT ${window} AS "window", count(*) AS rows FROM ${rows.relation} GROUP BY 1 ORDER BY 1`,
  );
  const windowsBySlot = new Array<number>(slotsOf(plan)).fill(0);
  for (const { window: number } of volumes) (windowsBySlot[slotOfNumber(plan, number)] as number) += 1;
  const whole = volumes.filter((one) => isQuiet(plan, one.window));
  const overdispersion = volumeOverdispersion(whole.map((one) => ({ slot: slotOfNumber(plan, one.window), rows: one.rows })));
  return { slot, slots: slotsOf(plan), windowMs, windowsBySlot, ...(overdispersion === null ? {} : { overdispersion }) };
};
