import { quantileOfSorted } from '../quantile.ts';
import { type MannWhitney, mannWhitney } from './kayenta-mann-whitney.ts';

export type KayentaLabel = 'Pass' | 'High' | 'Low' | 'Nodata';

export type KayentaSettings = {
  readonly direction?: 'increase' | 'decrease' | 'either';
  readonly missing?: 'remove' | 'replace by 0';
  readonly outliers?: 'keep' | 'remove';
  readonly effect?: 'mean ratio' | 'above';
  /** An effect below it (above it, for a decrease) is not called; 1, or 0.5 for the share above, where nothing is said. */
  readonly allowedIncrease?: number;
  readonly allowedDecrease?: number;
};

/**
 * How the judge of Kayenta labels one metric: to compare with in simulations, never to decide.
 *
 * Points are a metric's values over time, null where one is missing. Equal series pass. Otherwise High where the whole
 * 98 % interval of the shift lies above a quarter of the shift itself and the effect reaches `allowedIncrease`. As the
 * tolerance is relative to the shift, and not to the level, any precisely measured change fails, however small.
 *
 * Source: Kayenta's judge "NetflixACAJudge", its classifier by Mann-Whitney, tolerance 0.25, confidence 0.98.
 * Agrees with: test/golden/vectors.json "mann_whitney_hl".
 */
export const kayentaClassify = (
  control: readonly (number | null)[],
  experiment: readonly (number | null)[],
  settings: KayentaSettings = {},
): KayentaLabel => {
  const [before, after] = [prepare(control, settings), prepare(experiment, settings)];
  const tested = mannWhitney(before, after, 0.98);
  if (tested === null) return 'Nodata';
  if (before.length === after.length && before.every((value, place) => value === after[place])) return 'Pass';
  const { direction = 'either', effect = 'mean ratio' } = settings;
  const size = effect === 'above' ? tested.above : mean(after) / mean(before);
  const neutral = effect === 'above' ? 0.5 : 1;
  if (direction !== 'decrease' && isHigh(tested) && size >= (settings.allowedIncrease ?? neutral)) return 'High';
  if (direction !== 'increase' && isLow(tested) && size <= (settings.allowedDecrease ?? neutral)) return 'Low';
  return 'Pass';
};

const tolerance = 0.25;
const isHigh = ({ lower, shift }: MannWhitney): boolean => lower > tolerance * Math.abs(shift);
const isLow = ({ upper, shift }: MannWhitney): boolean => upper < -tolerance * Math.abs(shift);

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

const prepare = (points: readonly (number | null)[], { missing = 'remove', outliers = 'keep' }: KayentaSettings): number[] => {
  const values = points.flatMap((point) => (point === null ? (missing === 'remove' ? [] : [0]) : [point]));
  return outliers === 'remove' && values.length > 0 ? withoutOutliers(values) : values;
};

/** Fences at three interquartile ranges, and never within the central 98 %. */
const withoutOutliers = (values: readonly number[]): number[] => {
  const sorted = Float64Array.from(values).sort();
  const at = (share: number): number => quantileOfSorted(sorted, share);
  const range = 3 * (at(0.75) - at(0.25));
  const low = Math.min(at(0.25) - range, at(0.01));
  const high = Math.max(at(0.75) + range, at(0.99));
  return values.filter((value) => value >= low && value <= high);
};
