import type { LabelPolicy } from './maturity.ts';

/** Rows that count, by their position, and their labels. */
export type SettledLabels = { readonly rows: Uint32Array; readonly labels: Float64Array };

/**
 * The rows of a window whose label is settled: those that have one and, where no label means negative, those without one
 * that are older than the horizon, with label 0. `labels` hold null where none has come; ages in milliseconds.
 *
 * A label that comes after the horizon still counts as what it says. Throws RangeError for lists of different lengths.
 *
 * Source: definition.
 */
export const settleLabels = (labels: ArrayLike<number | null>, agesMs: ArrayLike<number>, policy: LabelPolicy): SettledLabels => {
  if (labels.length !== agesMs.length)
    throw new RangeError(`Cannot settle labels as there must be as many ages, ${labels.length}: there are ${agesMs.length}`);
  const isSettled = (row: number): boolean =>
    labels[row] !== null || (policy.unlabelled === 'negative' && (agesMs[row] as number) > policy.horizonMs);
  const rows = Uint32Array.from({ length: labels.length }, (_, row) => row).filter(isSettled);
  return { rows, labels: Float64Array.from(rows, (row) => labels[row] ?? 0) };
};
