import { chiSquareUpperTail } from '../special/incomplete-gamma.ts';
import { logEvidenceOfDifference, type SplitCounts } from './count-test.ts';

/** Requests are many: a prior that weighs a hundred of them finds small leaks sooner than one of ten. */
const strength = 100;

/**
 * Sample-ratio mismatch, for one look: chi-square of the requests of both arms against the share that was set.
 * `candidate` and `champion` are requests (or entities, where an entity stays with its arm). The strict level 0.001 is
 * usual. Throws RangeError without requests or for a share outside (0, 1).
 *
 * Source: Pearson's chi-square of goodness of fit, one degree of freedom; Fabijan et al., KDD 2019, for its use.
 * Agrees with: test/golden/vectors.json "srm", 1e-9; test/golden/sequential.json, `scipy.stats.chisquare`, 1e-9.
 * @example testSplitOnce({ share: 0.1, candidate: 1080, champion: 8920 }).chiSquare // 7.111111111...
 */
export const testSplitOnce = ({ share, candidate, champion }: SplitCounts): { chiSquare: number; pValue: number } => {
  const requests = candidate + champion;
  if (!(share > 0 && share < 1) || !(requests > 0) || candidate < 0 || champion < 0) {
    throw new RangeError(
      `Cannot test a split as it needs requests and a share in (0, 1): ${candidate} and ${champion} at ${share}`,
    );
  }
  const surplus = candidate - requests * share;
  const chiSquare = (surplus * surplus) / (requests * share * (1 - share));
  return { chiSquare, pValue: chiSquareUpperTail(chiSquare, 1) };
};

/**
 * Log of the evidence of a mismatch, which may be looked at after every request.
 *
 * Source: Lindon and Malek, NeurIPS 2022: the test of counts with every request as an event.
 * Agrees with: test/golden/vectors.json "srm", 1e-9.
 * @example logEvidenceOfMismatch({ share: 0.1, candidate: 1080, champion: 8920 }) // 1.091301058...
 */
export const logEvidenceOfMismatch = (counts: SplitCounts): number => logEvidenceOfDifference(counts, strength);
