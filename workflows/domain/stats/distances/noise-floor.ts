/** Sizes of a comparison of counters: occupied cells, rows of the reference, rows of the window. */
export type ComparedSizes = { readonly cells: number; readonly referenceRows: number; readonly currentRows: number };

/**
 * Variance of a difference of shares, beside that of one row: 1 / n + 1 / m. PSI divided by it is about chi-square
 * distributed with one degree of freedom fewer than cells, where nothing has changed. Infinite where a side has no rows.
 *
 * Source: Yurdakul and Naranjo, "Statistical properties of the population stability index", Journal of Risk Model
 * Validation 14 (2020).
 * @example noiseScale({ cells: 10, referenceRows: 1000, currentRows: 1000 }) // 0.002
 */
export const noiseScale = ({ referenceRows, currentRows }: ComparedSizes): number => 1 / referenceRows + 1 / currentRows;

/**
 * PSI to be expected of independent rows without any change: (cells - 1) (1 / n + 1 / m). One cell has none: 0.
 *
 * Source: as for `noiseScale`: the mean of a chi-square variable is its degrees of freedom.
 * Agrees with: test/golden/vectors.json "psi_null", 1e-9.
 * @example noiseFloor({ cells: 10, referenceRows: 10000, currentRows: 500 }) // 0.0189
 */
export const noiseFloor = (sizes: ComparedSizes): number => (sizes.cells < 2 ? 0 : (sizes.cells - 1) * noiseScale(sizes));
