/** Rows whose size is in (gamma^(index-1), gamma^index], gamma = (1 + alpha) / (1 - alpha); with sign 0 they are zero. */
export type SketchBin = { readonly sign: -1 | 0 | 1; readonly index: number; readonly rows: number };

/**
 * A distribution of unknown range in few bins, for quantiles with a relative error of at most alpha. Plain data.
 *
 * Beyond `mostBins` the lowest bins are one: what was low is then known only to be at most so much. High quantiles,
 * which latencies are judged by, keep the guarantee.
 */
export type DDSketch = {
  readonly alpha: number;
  readonly mostBins: number;
  /** Ascending by value, none empty. */
  readonly bins: readonly SketchBin[];
  /** The lowest bin holds also what was lower. */
  readonly collapsed: boolean;
};

/** 2,048 bins of 1 % cover eighteen powers of ten: nanoseconds to years. */
export const emptySketch = (alpha = 0.01, mostBins = 2048): DDSketch => {
  if (!(alpha > 0 && alpha < 1) || !Number.isInteger(mostBins) || mostBins < 1) {
    throw new RangeError(`Cannot sketch as alpha must be in (0, 1) and bins at least 1: they are ${alpha} and ${mostBins}`);
  }
  return { alpha, mostBins, bins: [], collapsed: false };
};

/** Smaller sizes are zero to a sketch: near them numbers are too coarse for a relative error. */
const smallest = 1e-300;

const logGamma = (alpha: number): number => Math.log1p(alpha) - Math.log1p(-alpha);

/**
 * Index of the bin for a size of at least 1e-300.
 *
 * Source: Masson, Rim and Lee, "DDSketch: a fast and fully-mergeable quantile sketch with relative-error guarantees",
 * Proceedings of the VLDB Endowment 12 (2019), section 2.1.
 * Agrees with: test/golden/vectors.json "merge", exactly.
 * @example sketchIndex(123.456, 0.01) // 241
 */
export const sketchIndex = (size: number, alpha: number): number => Math.ceil(Math.log(size) / logGamma(alpha));

/**
 * The size that a bin stands for: within alpha of every size in it, relative to that.
 *
 * Source: Masson, Rim and Lee (2019), lemma 2.
 * Agrees with: test/golden/vectors.json "merge", 1e-9.
 * @example sketchEstimate(116, 0.01) // 10.07469669...
 */
export const sketchEstimate = (index: number, alpha: number): number =>
  Math.min(Number.MAX_VALUE, Math.exp(index * logGamma(alpha) + Math.log1p(-alpha)));

/**
 * The sketch with more values in it. They must be finite: throws RangeError for others. O(values + bins log bins).
 *
 * Source: Masson, Rim and Lee (2019), algorithm 1; its algorithm 3 collapses the lowest bins.
 */
export const addToSketch = (sketch: DDSketch, values: Iterable<number>): DDSketch => {
  const rows: Record<'-1' | '1', Map<number, number>> = { '-1': new Map(), '1': new Map() };
  let zeros = 0;
  for (const value of values) {
    if (!Number.isFinite(value)) throw new RangeError(`Cannot sketch as every value must be finite: ${value}`);
    if (Math.abs(value) < smallest) zeros++;
    else {
      const side = rows[value < 0 ? '-1' : '1'];
      const index = sketchIndex(Math.abs(value), sketch.alpha);
      side.set(index, (side.get(index) ?? 0) + 1);
    }
  }
  const binsOf = (sign: -1 | 1): SketchBin[] => [...rows[`${sign}`]].map(([index, count]) => ({ sign, index, rows: count }));
  const bins = [...binsOf(-1), ...(zeros > 0 ? [{ sign: 0, index: 0, rows: zeros } as const] : []), ...binsOf(1)];
  return mergeSketches(sketch, { ...sketch, bins: bins.sort(byValue), collapsed: false });
};

/** Below zero, a larger size is a lower value. */
const byValue = (left: SketchBin, right: SketchBin): number => left.sign - right.sign || left.sign * (left.index - right.index);

/**
 * The sketch of both sets of rows: exact, associative and commutative, collapsed bins included.
 *
 * Throws RangeError for sketches of another alpha or size.
 *
 * Source: Masson, Rim and Lee (2019), algorithm 4.
 */
export const mergeSketches = (left: DDSketch, right: DDSketch): DDSketch => {
  if (left.alpha !== right.alpha || left.mostBins !== right.mostBins) {
    throw new RangeError(
      `Cannot merge sketches as both must have one alpha and size: ${left.alpha}, ${left.mostBins} and ${right.alpha}, ${right.mostBins}`,
    );
  }
  const bins: SketchBin[] = [];
  for (const bin of [...left.bins, ...right.bins].sort(byValue)) {
    const last = bins.at(-1);
    if (last === undefined || byValue(last, bin) !== 0) bins.push(bin);
    else bins[bins.length - 1] = { ...last, rows: last.rows + bin.rows };
  }
  const tooMany = bins.length - left.mostBins;
  const collapsed = left.collapsed || right.collapsed || tooMany > 0;
  return { ...left, bins: tooMany > 0 ? collapseLowest(bins, tooMany) : bins, collapsed };
};

const collapseLowest = (bins: readonly SketchBin[], tooMany: number): SketchBin[] => {
  const [lowest, ...others] = bins.slice(tooMany) as [SketchBin, ...SketchBin[]];
  return [{ ...lowest, rows: rowsOf(bins.slice(0, tooMany)) + lowest.rows }, ...others];
};

const rowsOf = (bins: readonly SketchBin[]): number => bins.reduce((sum, bin) => sum + bin.rows, 0);

/** Rows in a sketch. */
export const rowsInSketch = ({ bins }: DDSketch): number => rowsOf(bins);

/** `bound` says what is known: the value is within alpha of the quantile, or the quantile is at most about the value. */
export type SketchQuantile = { readonly value: number; readonly bound: 'relative' | 'at most' };

/**
 * The value at position share * (rows - 1) of the sorted rows, rounded down, for a share in [0, 1]. Null without rows;
 * throws RangeError for another share.
 *
 * Source: Masson, Rim and Lee (2019), algorithm 2 and proposition 3.
 * @example quantileOfSketch(addToSketch(emptySketch(), [1, 10, 100]), 0.5).value // 10.07469669...
 */
export const quantileOfSketch = (sketch: DDSketch, share: number): SketchQuantile | null => {
  if (!(share >= 0 && share <= 1)) throw new RangeError(`Cannot take a quantile as the share must be in [0, 1]: ${share}`);
  const rank = Math.floor(share * (rowsInSketch(sketch) - 1));
  let below = 0;
  for (const [position, bin] of sketch.bins.entries()) {
    below += bin.rows;
    if (below > rank) {
      const value = bin.sign === 0 ? 0 : bin.sign * sketchEstimate(bin.index, sketch.alpha);
      return { value, bound: sketch.collapsed && position === 0 ? 'at most' : 'relative' };
    }
  }
  return null;
};
