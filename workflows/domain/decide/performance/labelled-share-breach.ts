import type { QualityBreach } from '../../contracts/drift-report.ts';
import type { Evidence } from '../../contracts/evidence.ts';
import { percent, shortNumber } from '../judgement.ts';

/** A share of labels may fall by so much before it is a breach. */
export const defaultToleratedShare = 0.05;

/**
 * Has the feed of labels failed? A breach of data quality where the labelled share has certainly fallen by more than is
 * tolerated; null where it has not, or cannot be told. It quarantines and pages, and never retrains.
 *
 * Source: one-sided confidence bounds of a difference of proportions.
 */
export const findLabelledShareBreach = (evidence: Evidence, tolerated: number = defaultToleratedShare): QualityBreach | null => {
  if (evidence.kind !== 'interval' || !(evidence.upper < -tolerated)) return null;
  const bound = `upper ${percent(evidence.confidence)} bound ${shortNumber(evidence.upper)} < ${shortNumber(-tolerated)}`;
  const statement = `${evidence.what} ${shortNumber(evidence.estimate)}: ${bound}, on ${evidence.rows} rows`;
  return { check: 'labelled share', variable: null, statement };
};
