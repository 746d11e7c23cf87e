import type { CellCounts, DriftMeasure, Layout } from '../../contracts/reference-profile.ts';
import { jensenShannonDistance } from '../distances/jensen-shannon.ts';
import { smoothedPsi } from '../distances/psi.ts';
import { wassersteinOfCells } from '../distances/wasserstein-cells.ts';
import { rowsCounted } from '../summaries/cell-counts.ts';
import { chiSquareHomogeneity } from '../two-sample/chi-square.ts';
import { binnedKolmogorovSmirnov } from '../two-sample/kolmogorov-smirnov-cells.ts';
import { type OccupiedCells, occupiedCells } from './occupied-cells.ts';

/** Each measure of one comparison of counters; one that does not apply to the layout is absent. */
export type CellStatistics = Readonly<Partial<Record<DriftMeasure, number>>>;

export type CellComparison = { readonly occupied: OccupiedCells; readonly statistics: CellStatistics };

/**
 * What a comparison of two vectors of counters says, measure by measure. Quiet windows and live windows are measured by
 * this one function, so that the one can be ranked among the other.
 *
 * PSI with half a row added per occupied cell; Jensen-Shannon distance in bits; chi-square of homogeneity, undivided by any
 * design effect; of numbers also Wasserstein-1 between the outermost edges, in the unit of the values, and KS at the edges;
 * the rise of the missing rate; the share of rows in cells that the reference leaves empty. Larger is further from the
 * reference, always. Null where either side has no row in a cell.
 *
 * Throws RangeError for counters that are not of the layout.
 *
 * Source: definitions of the measures.
 * @example compareCells({ kind: 'numeric', edges: [0] }, { cells: [9, 1], missing: 0, nonFinite: 0, wrongType: 0 }, { cells: [1, 1], missing: 0, nonFinite: 0, wrongType: 0 }).statistics['kolmogorov-smirnov'] // 0.4
 */
export const compareCells = (layout: Layout, reference: CellCounts, current: CellCounts): CellComparison | null => {
  const occupied = occupiedCells(reference.cells, current.cells);
  if (occupied === null) return null;
  const statistics = {
    ...shapeStatistics(occupied),
    ...(layout.kind === 'numeric' ? orderStatistics(layout.edges, reference.cells, current.cells) : {}),
    'missing-rate': missingRate(current) - missingRate(reference),
    'new-rate': newRows(occupied) / occupied.currentRows,
  };
  return { occupied, statistics };
};

// Neither side is empty, so none of these is null.
const shapeStatistics = ({ reference, current }: OccupiedCells): CellStatistics => ({
  psi: smoothedPsi(reference, current) as number,
  'jensen-shannon': jensenShannonDistance(reference, current) as number,
  'chi-square': (chiSquareHomogeneity(reference, current) as { statistic: number }).statistic,
});

/** Of numbers only: categories have no order, so nothing lies between them. */
const orderStatistics = (edges: readonly number[], reference: readonly number[], current: readonly number[]): CellStatistics => ({
  wasserstein: wassersteinOfCells({ edges, reference, current, outer: { kind: 'unknown' } }) as number,
  'kolmogorov-smirnov': (binnedKolmogorovSmirnov(reference, current) as { distance: number }).distance,
});

const missingRate = (counts: CellCounts): number => counts.missing / rowsCounted(counts);

const newRows = ({ reference, current }: OccupiedCells): number =>
  current.reduce((sum, rows, cell) => sum + (reference[cell] === 0 ? rows : 0), 0);
