import type { Calibrator, NumericLayout } from '../../contracts/reference-profile.ts';
import { calibrate } from './calibrator.ts';
import type { ExpectedTally, ScoreCell } from './label-free-estimate.ts';

/**
 * Cells for `estimatePerformance` from the counters that servers stream, so that no row is needed: counts of scores in
 * [0, 1] over the cells of a profile. Within a cell scores are taken as spread evenly: its probability is the mean of the
 * calibrator over it, and a cell across the threshold is cut in proportion. Narrow cells make that harmless.
 *
 * `counts` are one more than the edges; counts of 0 give cells of no rows. Throws RangeError for counts that are negative,
 * not finite or of another number, for edges outside [0, 1], and a threshold outside (0, 1).
 *
 * Source: definition. Agrees with: test/domain/stats/performance/cells-of-counts.test.ts, by rows, 0.005.
 */
export const cellsOfCounts = (
  layout: NumericLayout,
  counts: readonly number[],
  calibrator: Calibrator,
  threshold: number,
): ScoreCell[] => {
  check(layout, counts, threshold);
  const bounds = [0, ...layout.edges, 1];
  return counts.map((count, place) => {
    const [low, high] = [bounds[place] as number, bounds[place + 1] as number];
    const cut = Math.min(high, Math.max(low, threshold));
    // An edge at 0 or 1 leaves an outer cell without width: its rows all have that score.
    const above = high > low ? (high - cut) / (high - low) : high >= threshold ? 1 : 0;
    const tally = (rows: number, from: number, to: number): ExpectedTally => ({
      rows,
      expectedPositives: rows * meanProbability(calibrator, from, to),
    });
    return { calledPositive: tally(count * above, cut, high), calledNegative: tally(count * (1 - above), low, cut) };
  });
};

/** Mean of the step function over an interval; its value where there is no width. */
const meanProbability = (calibrator: Calibrator, low: number, high: number): number => {
  if (!(high > low)) return calibrate(calibrator, high);
  const inside = calibrator.scores.filter((score) => score > low && score < high);
  let sum = 0;
  let from = low;
  for (const to of [...inside, high]) {
    sum += (to - from) * calibrate(calibrator, from);
    from = to;
  }
  return Math.min(1, sum / (high - low));
};

const check = ({ edges }: NumericLayout, counts: readonly number[], threshold: number): void => {
  if (counts.length !== edges.length + 1)
    throw new RangeError(`Cannot estimate performance as there must be ${edges.length + 1} counts: there are ${counts.length}`);
  const outside = edges.find((edge) => !(edge >= 0 && edge <= 1));
  if (outside !== undefined)
    throw new RangeError(`Cannot estimate performance as edges of scores must be in [0, 1]: one is ${outside}`);
  const wrong = counts.find((count) => !(count >= 0) || count === Number.POSITIVE_INFINITY);
  if (wrong !== undefined) throw new RangeError(`Cannot estimate performance as counts must be finite and >= 0: one is ${wrong}`);
  if (!(threshold > 0 && threshold < 1))
    throw new RangeError(`Cannot estimate performance as the threshold must be in (0, 1): it is ${threshold}`);
};
