import { negativeBinomialLowerTail, negativeBinomialUpperTail } from '../special/poisson.ts';

/** How many rows a window of a slot usually has. */
export type UsualVolume = {
  /** Mean rows of the windows of this slot, above 0. */
  readonly mean: number;
  /** Variance beyond a Poisson count's, over the squared mean; 0 where rows arrive independently. */
  readonly overdispersion: number;
  /** Windows that the mean was taken from, at least 1: few make it uncertain. */
  readonly windows: number;
};

/**
 * Two-sided p-value of the rows of one window: twice the smaller tail of a negative binomial distribution, at most 1.
 *
 * Its variance is that of a new window plus that of the mean itself. Throws RangeError for rows that are negative or not
 * whole, a mean not above 0, a negative overdispersion and fewer than one window.
 *
 * Source: `negativeBinomialLowerTail`; doubling the smaller tail is the usual two-sided test of a count.
 * Agrees with: test/golden/drift.json, `scipy.stats.nbinom`, 1e-8.
 * @example rowVolumePValue(40, { mean: 100, overdispersion: 0.01, windows: 1 }) // 0.002...
 */
export const rowVolumePValue = (rows: number, usual: UsualVolume): number => {
  const { mean, overdispersion, windows } = usual;
  if (!Number.isSafeInteger(rows) || rows < 0 || !(mean > 0) || !(overdispersion >= 0) || !(windows >= 1)) {
    throw new RangeError(
      `Cannot test a volume as rows >= 0, mean > 0, overdispersion >= 0 and windows >= 1 must hold: ${rows}, ${mean}, ${overdispersion}, ${windows}`,
    );
  }
  // (mean + overdispersion mean^2) (1 + 1 / windows) = mean + predicted mean^2.
  const predicted = overdispersion + (1 / mean + overdispersion) / windows;
  const volume = { mean, shape: 1 / predicted };
  return Math.min(1, 2 * Math.min(negativeBinomialLowerTail(rows, volume), negativeBinomialUpperTail(rows, volume)));
};

/** Rows of one window of the snapshot, and its slot of the season. */
export type WindowVolume = { readonly slot: number; readonly rows: number };

/**
 * Overdispersion of the rows of windows about the mean of their own slot, pooled over the slots; at least 0. Null where no
 * slot has two windows, or none has rows.
 *
 * Source: method of moments for the negative binomial distribution: variance = mean + overdispersion mean^2.
 * @example volumeOverdispersion([{ slot: 0, rows: 90 }, { slot: 0, rows: 110 }]) // 0.01
 */
export const volumeOverdispersion = (windows: readonly WindowVolume[]): number | null => {
  const slots = new Map<number, number[]>();
  for (const { slot, rows } of windows) slots.set(slot, [...(slots.get(slot) ?? []), rows]);
  let excess = 0;
  let squares = 0;
  for (const volumes of slots.values()) {
    const mean = volumes.reduce((sum, rows) => sum + rows, 0) / volumes.length;
    const freedom = volumes.length - 1;
    excess += volumes.reduce((sum, rows) => sum + (rows - mean) ** 2, 0) - freedom * mean;
    squares += freedom * mean * mean;
  }
  return squares === 0 ? null : Math.max(0, excess / squares);
};
