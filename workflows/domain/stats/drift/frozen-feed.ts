import { logBeta } from '../special/beta.ts';
import type { Counted } from './watched-variables.ts';

/**
 * Chance that all of so many further rows fall into the cell that holds `inCell` of `rows` reference rows. Further rows
 * need not be whole: divide them by the design effect. No further rows: 1.
 *
 * Source: predictive distribution under a uniform prior of the share: B(inCell + 1 + m, rest + 1) / B(inCell + 1, rest + 1).
 * @example chanceOfOneCell({ inCell: 9, rows: 10, further: 100 }) // 0.009009...
 */
export const chanceOfOneCell = ({
  inCell,
  rows,
  further,
}: {
  readonly inCell: number;
  readonly rows: number;
  readonly further: number;
}): number => Math.exp(logBeta(inCell + 1 + further, rows - inCell + 1) - logBeta(inCell + 1, rows - inCell + 1));

/**
 * Chance that a second window of as many rows has the very same counts, were both drawn with the shares of this one. At
 * most 1, which it is for one occupied cell and for none. `designEffect` makes the rows fewer.
 *
 * Source: normal approximation: density of the difference of two multinomial counts at 0, whose covariance has the
 * determinant (2 m)^(k - 1) times the product of the shares.
 * @example chanceOfSameCounts([50, 50], 1) // 0.0564...
 */
export const chanceOfSameCounts = (cells: readonly number[], designEffect: number): number => {
  const rows = cells.reduce((sum, count) => sum + count, 0);
  const occupied = cells.filter((count) => count > 0);
  if (occupied.length < 2) return 1;
  const logShares = occupied.reduce((sum, count) => sum + Math.log(count / rows), 0);
  const logSpread = (occupied.length - 1) * Math.log((4 * Math.PI * rows) / designEffect);
  return Math.min(1, Math.exp(-(logSpread + logShares) / 2));
};

/**
 * The one cell that all rows with a value are in, where they also have one and the same value as far as is known; null
 * without rows, and where values differ.
 *
 * Source: definition.
 */
export const onlyCell = ({ counts, moments }: Counted): number | null => {
  const cell = counts.cells.findIndex((rows) => rows > 0);
  if (cell < 0 || counts.cells.some((rows, other) => rows > 0 && other !== cell)) return null;
  return moments === null || moments.min === moments.max ? cell : null;
};

/** Do two windows have the same counters of a variable? Means are left out: they are added up to rounding only. */
export const isSame = (one: Counted, other: Counted): boolean =>
  one.outside === other.outside &&
  one.counts.missing === other.counts.missing &&
  one.counts.nonFinite === other.counts.nonFinite &&
  one.counts.wrongType === other.counts.wrongType &&
  one.moments?.min === other.moments?.min &&
  one.moments?.max === other.moments?.max &&
  one.counts.cells.every((rows, cell) => rows === other.counts.cells[cell]);
