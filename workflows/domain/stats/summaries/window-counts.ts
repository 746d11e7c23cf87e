import type { WindowTally } from '../../contracts/flush.ts';
import type { Moments, ReferenceProfile } from '../../contracts/reference-profile.ts';
import { addCounts, cellsOf } from './cell-counts.ts';
import { mergeMoments } from './moments.ts';

export type VariableShape = { readonly cells: number; readonly numeric: boolean };

/** How many counters a profile asks for: what tells counters of another profile. */
export type ProfileShape = {
  readonly features: readonly VariableShape[];
  readonly scores: readonly VariableShape[];
  /** Cells of the predicted classes; null where nothing is classified. */
  readonly predictions: number | null;
};

/** The counters that a profile asks for. */
export const shapeOf = (profile: Pick<ReferenceProfile, 'features' | 'scores' | 'predictions'>): ProfileShape => {
  const of = ({ layout }: ReferenceProfile['scores'][number]): VariableShape => ({
    cells: cellsOf(layout),
    numeric: layout.kind === 'numeric',
  });
  return {
    features: profile.features.map(of),
    scores: profile.scores.map(of),
    predictions: profile.predictions === null ? null : cellsOf(profile.predictions.layout),
  };
};

type Counted = WindowTally['features'][number];

/** Whether counters are as many as the profile asks for, with moments for the numeric variables and for no other. */
export const hasShape = (window: WindowTally, shape: ProfileShape): boolean =>
  allHaveShape(window.features, shape.features) &&
  allHaveShape(window.scores, shape.scores) &&
  (window.predictions?.cells.length ?? null) === shape.predictions;

const allHaveShape = (counted: readonly Counted[], shapes: readonly VariableShape[]): boolean =>
  counted.length === shapes.length &&
  shapes.every(({ cells, numeric }, index) => {
    const { counts, moments } = counted[index] as Counted;
    return counts.cells.length === cells && (moments !== null) === numeric;
  });

/**
 * Counters of two disjoint sets of rows as those of their union; the window is the shortest that spans both. Counts are
 * exact, associative and commutative; moments are so up to rounding.
 *
 * Throws RangeError where the counters are not of one shape.
 *
 * Source: definition; `mergeMoments`.
 */
export const addWindows = (left: WindowTally, right: WindowTally): WindowTally => ({
  from: left.from < right.from ? left.from : right.from,
  to: left.to > right.to ? left.to : right.to,
  rows: left.rows + right.rows,
  features: addAll(left.features, right.features),
  scores: addAll(left.scores, right.scores),
  predictions: both(left.predictions, right.predictions, addCounts),
});

const addAll = (left: readonly Counted[], right: readonly Counted[]): Counted[] => {
  if (left.length !== right.length) {
    throw new RangeError(`Cannot add windows as both must have the same variables: ${left.length} and ${right.length}`);
  }
  return left.map((one, index) => {
    const other = right[index] as Counted;
    return {
      counts: addCounts(one.counts, other.counts),
      outside: one.outside + other.outside,
      moments: both<Moments>(one.moments, other.moments, mergeMoments),
    };
  });
};

const both = <Part>(left: Part | null, right: Part | null, add: (left: Part, right: Part) => Part): Part | null => {
  if (left !== null && right !== null) return add(left, right);
  if (left === right) return null;
  throw new RangeError('Cannot add windows as both must count the same: one of them lacks moments or predictions');
};

/**
 * The first counter that is lower in the later window than in the earlier one of the same process, or null: cumulative
 * counters never fall, a minimum never rises, and moments change only with rows. Both must be of one shape.
 */
export const firstFallen = (earlier: WindowTally, later: WindowTally): string | null => {
  if (later.rows < earlier.rows) return 'rows';
  const inGroup = (group: 'features' | 'scores'): string | null => {
    const index = earlier[group].findIndex((one, at) => hasFallen(one, later[group][at] as Counted));
    return index < 0 ? null : `${group} ${index}`;
  };
  const predictions = earlier.predictions !== null && countsFell(earlier.predictions, later.predictions as Counted['counts']);
  return inGroup('features') ?? inGroup('scores') ?? (predictions ? 'predictions' : null);
};

const hasFallen = (earlier: Counted, later: Counted): boolean =>
  countsFell(earlier.counts, later.counts) ||
  later.outside < earlier.outside ||
  (earlier.moments !== null && momentsFell(earlier.moments, later.moments as Moments));

const countsFell = (earlier: Counted['counts'], later: Counted['counts']): boolean =>
  earlier.cells.some((rows, cell) => (later.cells[cell] as number) < rows) ||
  later.missing < earlier.missing ||
  later.nonFinite < earlier.nonFinite ||
  later.wrongType < earlier.wrongType;

/** Without another row the mean has no reason to move. */
const momentsFell = (earlier: Moments, later: Moments): boolean =>
  later.count < earlier.count ||
  (later.count === earlier.count && (later.mean !== earlier.mean || later.squaredDeviations !== earlier.squaredDeviations)) ||
  (earlier.min ?? Number.POSITIVE_INFINITY) < (later.min ?? Number.POSITIVE_INFINITY) ||
  (earlier.max ?? Number.NEGATIVE_INFINITY) > (later.max ?? Number.NEGATIVE_INFINITY);
