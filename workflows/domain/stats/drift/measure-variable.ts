import type { VariableDrift } from '../../contracts/drift-report.ts';
import type { Evidence } from '../../contracts/evidence.ts';
import type { ProfiledVariable } from '../../contracts/reference-profile.ts';
import { type ComparedSizes, noiseFloor } from '../distances/noise-floor.ts';
import { debiasedPsi } from '../distances/psi-noise.ts';
import { normalReach } from '../special/normal.ts';
import { rowsInCells } from '../summaries/cell-counts.ts';
import { chiSquareHomogeneity } from '../two-sample/chi-square.ts';
import { type CellComparison, compareCells } from './cell-statistics.ts';
import { chiSquareEvidence, distanceEvidence, insufficientEvidence, rankEvidence, type Subject } from './drift-evidence.ts';
import { driftPValue } from './drift-p-value.ts';
import { fewestRows } from './fewest-rows.ts';
import { psiStandardError } from './psi-spread.ts';
import type { ComparedCounts } from './wasserstein-units.ts';
import type { Watched } from './watched-variables.ts';

/** How the variables of one window are measured. */
export type Measuring = {
  /** Why nothing can be concluded from this comparison at all; null where it is a fair one. */
  readonly unfair: string | null;
  /** Are windows of the quiet history compared in the same way, so that this one can be ranked among them? */
  readonly rankable: boolean;
  readonly warnLevel: number;
  /** Upper 5 % point of the chi-square distribution; kept, since many variables have as many cells. */
  readonly critical: (degreesOfFreedom: number) => number;
};

/** Standard errors in half of a 95 % interval. */
const twoSided95 = normalReach(0.95);

/**
 * One variable of one window: distances, tests, and whether there are rows enough to believe them. The adjusted p-value is
 * left to its family. Where there are too few rows, what can be computed is shown, nothing is tested, and the evidence
 * says what is missing. Never NaN.
 *
 * Source: as for each measure.
 */
export const measureVariable = (watched: Watched, compared: ComparedCounts, measuring: Measuring): VariableDrift => {
  const { subject, variable } = watched;
  const rows = rowsInCells(compared.current);
  const common = {
    ...roleOf(variable),
    rows,
    referenceRows: rowsInCells(compared.reference),
    designEffect: variable.quiet?.designEffect ?? 1,
    adjustedPValue: null,
  };
  const comparison = compareCells(variable.layout, compared.reference, compared.current);
  if (comparison === null) return { ...common, ...nothing, evidence: [insufficientEvidence(subject, noRows, rows)] };
  const sizes = sizesOf(comparison);
  const fewest = fewestOf(sizes, common.designEffect, measuring);
  const lack = measuring.unfair ?? lackOfRows(rows, fewest);
  const tests = lack === null ? testVariable(watched, comparison, measuring) : shown(subject, lack, rows);
  const psi = comparison.statistics.psi as number;
  const change = debiasedPsi(psi, sizes, common.designEffect);
  return {
    ...common,
    fewestRows: fewest,
    sufficient: lack === null,
    psi,
    noiseFloor: noiseFloor(sizes) * common.designEffect,
    debiasedPsi: change,
    psiUpperLimit: change + twoSided95 * psiStandardError(comparison.occupied, common.designEffect),
    pValue: tests.pValue,
    evidence: [...distanceEvidence(subject, variable, comparison, compared), ...tests.evidence],
  };
};

const roleOf = (variable: ProfiledVariable & { readonly critical?: boolean; readonly importance?: number | null }) => ({
  name: variable.name,
  critical: variable.critical ?? false,
  importance: variable.importance ?? null,
});

const noRows = 'the window, or what it is compared with, has no row with a value';
const nothing = {
  fewestRows: null,
  sufficient: false,
  psi: null,
  noiseFloor: null,
  debiasedPsi: null,
  psiUpperLimit: null,
  pValue: null,
} as const;
const shown = (subject: Subject, lack: string, rows: number): Tests => ({
  pValue: null,
  evidence: [insufficientEvidence(subject, lack, rows)],
});

const sizesOf = ({ occupied }: CellComparison): ComparedSizes => ({
  cells: occupied.current.length,
  referenceRows: occupied.referenceRows,
  currentRows: occupied.currentRows,
});

const fewestOf = ({ cells, referenceRows }: ComparedSizes, designEffect: number, measuring: Measuring): number | null => {
  const critical = cells > 1 ? measuring.critical(cells - 1) : 0;
  return fewestRows({ critical, designEffect, referenceRows, warnLevel: measuring.warnLevel });
};

const lackOfRows = (rows: number, fewest: number | null): string | null => {
  if (fewest === null) return 'the reference has so few rows that its own noise reaches the warn level';
  return rows >= fewest ? null : `rows ${rows} >= ${fewest} does not hold: noise alone reaches the warn level`;
};

type Tests = { readonly pValue: number | null; readonly evidence: readonly Evidence[] };

const testVariable = ({ subject, variable: { quiet } }: Watched, comparison: CellComparison, { rankable }: Measuring): Tests => {
  const { occupied, statistics } = comparison;
  const { reference, current, currentRows } = occupied;
  const designEffect = quiet?.designEffect ?? 1;
  const chiSquare = (chiSquareHomogeneity(reference, current, designEffect) as { pValue: number }).pValue;
  const evidence = [chiSquareEvidence(subject, chiSquare, designEffect, currentRows)];
  if (quiet === null || !rankable) return { pValue: chiSquare, evidence };
  const rank = {
    quiet: quiet.statistics.psi ?? [],
    psi: statistics.psi as number,
    sizes: sizesOf(comparison),
    designEffect,
  };
  return {
    pValue: driftPValue(chiSquare, rank),
    evidence: [...evidence, ...rankEvidence(subject, statistics, quiet, currentRows)],
  };
};
