/** What decides how many rows a comparison needs. */
export type RowsNeeded = {
  /** Upper 5 % point of the chi-square distribution with one degree of freedom fewer than cells; 0 with one cell. */
  readonly critical: number;
  readonly designEffect: number;
  readonly referenceRows: number;
  /** PSI that must be told from noise. */
  readonly warnLevel: number;
};

/**
 * Fewest rows of a window with which noise alone reaches the warn level in at most 5 % of windows. At least 1. Null where
 * no number of rows is enough, since the reference is so small that its own noise reaches the level.
 *
 * Source: PSI / (1/n + 1/m) is about chi-square distributed; solved for m.
 * Agrees with: test/golden/vectors.json "min_rows", exactly.
 * @example fewestRows({ critical: 16.918977604620448, designEffect: 1, referenceRows: 10000, warnLevel: 0.1 }) // 173
 */
export const fewestRows = ({ critical, designEffect, referenceRows, warnLevel }: RowsNeeded): number | null => {
  const left = warnLevel - (critical * designEffect) / referenceRows;
  return left > 0 ? Math.max(1, Math.ceil((critical * designEffect) / left)) : null;
};
