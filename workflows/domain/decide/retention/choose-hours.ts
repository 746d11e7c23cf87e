import { hourMs } from '../../units.ts';

/** What servers shipped of one hour of answers, all parts together. Instants are epoch milliseconds. */
export type ShippedHour = {
  readonly fromMs: number;
  /** Newest event among its predictions; null where it holds refusals alone. */
  readonly lastEventMs: number | null;
  readonly parts: number;
  readonly rows: number;
  readonly bytes: number;
};

/** What is still to be read, from an instant on: by the time of the event, or of the answer. */
export type Need = { readonly of: 'events' | 'answers'; readonly fromMs: number; readonly why: string };

export type RetentionQuestion = {
  readonly keepMs: number;
  /** The instant of the data. */
  readonly nowMs: number;
  /** By the servers' clocks: what has no event goes by it. */
  readonly wallMs: number;
  readonly needs: readonly Need[];
};

export type HeldHours = { readonly why: string; readonly hours: number; readonly rows: number };
export type ChosenHours = { readonly expired: readonly ShippedHour[]; readonly held: readonly HeldHours[] };

/** An event may be ahead of its answer by so much before it is called wrong: clocks differ, and zones are forgotten. */
const aheadMs = hourMs;

/** A row whose event lies years ahead must not keep its hour for years. */
const believedLast = ({ fromMs, lastEventMs }: ShippedHour): number | null =>
  lastEventMs === null ? null : Math.min(lastEventMs, fromMs + hourMs + aheadMs);

const isOld = (hour: ShippedHour, { keepMs, nowMs, wallMs }: RetentionQuestion): boolean => {
  const last = believedLast(hour);
  return last === null ? hour.fromMs + hourMs < wallMs - keepMs : last < nowMs - keepMs;
};

const isNeeded = (hour: ShippedHour, { of, fromMs }: Need): boolean => {
  if (of === 'answers') return hour.fromMs + hourMs > fromMs;
  const last = believedLast(hour);
  return last !== null && last >= fromMs;
};

const addHeld = (held: readonly HeldHours[], { why }: Need, { rows }: ShippedHour): readonly HeldHours[] => {
  const before = held.find((one) => one.why === why) ?? { why, hours: 0, rows: 0 };
  return [...held.filter((one) => one.why !== why), { why, hours: before.hours + 1, rows: before.rows + rows }];
};

/**
 * Which hours of shipped predictions have outlived their retention: whole ones, whose newest event is older than `keepMs` by
 * the instant of the data. An hour that something is still to be read of is held, under the first need that says so. An
 * hour without events goes by the clock of the servers. Does not throw; the hours may be in any order.
 *
 * @example chooseHours([{ fromMs: 0, lastEventMs: 5, parts: 1, rows: 9, bytes: 1 }], { keepMs: 1, nowMs: 7, wallMs: 0, needs: [] }).expired.length // 1
 */
export const chooseHours = (hours: readonly ShippedHour[], question: RetentionQuestion): ChosenHours => {
  const expired: ShippedHour[] = [];
  let held: readonly HeldHours[] = [];
  for (const hour of hours) {
    if (!isOld(hour, question)) continue;
    const need = question.needs.find((one) => isNeeded(hour, one));
    if (need === undefined) expired.push(hour);
    else held = addHeld(held, need, hour);
  }
  return { expired, held };
};

/**
 * The instant of the data by which they age: how far they had come when something was heard of them last, and from then on
 * at the pace of the wall, so that what nobody adds to grows old as well. Never ahead of the wall.
 */
export const agingTime = (dataMs: number, heardMs: number, wallMs: number): number =>
  Math.min(wallMs, dataMs + Math.max(0, wallMs - heardMs));
