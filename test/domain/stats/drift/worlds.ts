/** Counters and profiles for the tests of drift. */
import type { CellCounts } from '#domain/contracts/reference-profile.ts';
import type { Random } from '#domain/stats/random.ts';

/** Freezes a value all the way down: code that changes its input then throws. */
export const freeze = <T>(value: T): T => {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  Object.freeze(value);
  for (const inner of Object.values(value)) freeze(inner);
  return value;
};

export const counts = (cells: readonly number[], asides: Partial<Omit<CellCounts, 'cells'>> = {}): CellCounts =>
  freeze({ cells: [...cells], missing: 0, nonFinite: 0, wrongType: 0, ...asides });

/** Rows that fall into cells of equal mass. */
export const uniformCells = (random: Random, rows: number, cells: number): number[] => {
  const filled = Array.from({ length: cells }, () => 0);
  for (let row = 0; row < rows; row++) {
    const cell = Math.floor(random() * cells);
    filled[cell] = (filled[cell] as number) + 1;
  }
  return filled;
};
