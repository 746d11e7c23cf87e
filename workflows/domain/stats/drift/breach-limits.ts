import type { QualityBreach } from '../../contracts/drift-report.ts';
import { inequality, sentenceOf } from '../../decide/judgement.ts';

/** From where on data is called broken. Shares of rows, unless named otherwise. */
export const breachLimits = {
  /** Of every interval; two-sided. */
  confidence: 0.95,
  /** Rise of the missing rate, and of the rate of missing labels. */
  missingRise: 0.02,
  /** Rate that no variable may reach that did not have it in the reference. */
  missing: 0.5,
  unusable: 0.001,
  unusableRows: 10,
  newCategory: 0.01,
  outOfRange: 0.005,
  duplicates: 0.01,
  /** Chance below which rows in one cell, unchanged counters or a volume are no accident. */
  chance: 1e-4,
  /** Change of the volume, either way, that is a good or a bad week and no broken feed, however certain it is. */
  volumeChange: 0.25,
} as const;

/** A comparison that makes a breach where it holds: in words and numbers. Nothing where it does not. */
export const breachIf = (
  check: QualityBreach['check'],
  variable: string | null,
  what: string,
  left: number,
  operator: '>' | '<' | '=',
  right: number,
): QualityBreach[] => {
  const found = inequality(what, left, operator, right);
  return found.holds ? [{ check, variable, statement: sentenceOf(found) }] : [];
};
