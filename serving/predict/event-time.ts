import type { FeatureSet } from '#domain/contracts/feature-set.ts';
import type { RawRow } from '#domain/features/apply.ts';

/**
 * What four digits of a year can write, less a year at either end: PostgreSQL and contracts carry no other instants, and
 * the window of an event must begin and end within them too.
 */
const earliestMs = Date.parse('0002-01-01T00:00:00.000Z');
const latestMs = Date.UTC(9_998, 11, 31, 23, 59, 59, 999);

/** When the thing that is asked about happens: the row's own event time, else now. */
export const eventMsOf = ({ eventTime }: Pick<FeatureSet, 'eventTime'>, row: RawRow, nowMs: number): number => {
  if (eventTime === null || eventTime === undefined) return nowMs;
  const value = row[eventTime];
  return typeof value === 'number' && value >= earliestMs && value <= latestMs ? Math.floor(value) : nowMs;
};
