import type { Season } from '../../contracts/reference-profile.ts';
import { dayMs, hourMs } from '../../units.ts';

type SlotKind = Season['slot'];

/** A week begins on Monday; 1970-01-01 was a Thursday. */
const sinceMonday = (epochMs: number): number => modulo(epochMs + 3 * dayMs, 7 * dayMs);
const modulo = (value: number, by: number): number => ((value % by) + by) % by;

/** How long one slot lasts, and after how long it comes again. Without a season there is one slot, without end. */
const lengths: Readonly<Record<SlotKind, { readonly slotMs: number; readonly seasonMs: number }>> = {
  none: { slotMs: Number.POSITIVE_INFINITY, seasonMs: 0 },
  'hour of day': { slotMs: hourMs, seasonMs: dayMs },
  'day of week': { slotMs: dayMs, seasonMs: 7 * dayMs },
  'hour of week': { slotMs: hourMs, seasonMs: 7 * dayMs },
};

/**
 * Slot of the season that an instant (epoch milliseconds, UTC) lies in: 0 to slots - 1. Slot 0 begins on Monday 00:00;
 * without a season it is always 0.
 *
 * Source: definition.
 * @example slotOf('hour of week', Date.UTC(2001, 0, 2, 1, 30)) // 25
 */
export const slotOf = (slot: SlotKind, epochMs: number): number => {
  const { slotMs, seasonMs } = lengths[slot];
  return slot === 'none' ? 0 : Math.floor(modulo(sinceMonday(epochMs), seasonMs) / slotMs);
};

/**
 * The slot that the whole window [from, to) lies in; null where it reaches over more than one. Without a season every
 * window lies in slot 0.
 *
 * Source: definition.
 * @example slotOfWindow('day of week', Date.UTC(2001, 0, 2), Date.UTC(2001, 0, 3)) // 1
 */
export const slotOfWindow = (slot: SlotKind, fromMs: number, toMs: number): number | null => {
  const { slotMs } = lengths[slot];
  if (slot !== 'none' && Math.floor(fromMs / slotMs) !== Math.floor((toMs - 1) / slotMs)) return null;
  return slotOf(slot, fromMs);
};

/** Does the window cover a whole season, so that the whole reference is a fair comparison? Without a season, always. */
export const coversSeason = (slot: SlotKind, fromMs: number, toMs: number): boolean => toMs - fromMs >= lengths[slot].seasonMs;
