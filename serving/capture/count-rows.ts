import type { CellCounts, ProfiledVariable, ReferenceProfile, WindowCounts } from '#domain/contracts/reference-profile.ts';
import { datePartFunctions } from '#domain/features/calendar.ts';
import { categoryOf, isMissing, type RawValue } from '#domain/features/category.ts';
import { type ProfiledInput, profiledInputs } from '#domain/features/profiled-inputs.ts';
import { asides, cellsOf } from '#domain/stats/summaries/cell-counts.ts';
import { createPlacer } from '#domain/stats/summaries/place-value.ts';
import { momentsOfSums, pivotOf } from '../../infra/profile/measure-moments.ts';
import { largestInMoments } from '../../infra/profile/rows.ts';
import type { Answer } from '../model/answer.ts';
import type { RowViews } from '../model/row-views.ts';
import type { ServedModel } from '../model/served-model.ts';

type CountedVariable = WindowCounts['features'][number];
type Row = Readonly<Record<string, RawValue>>;

/** Counters of one window: those of every variable, one behind the other. */
export type Counters = Float64Array;

export type RowCounter = {
  /** How many numbers the counters of a window are. */
  readonly length: number;
  /** Counters of no rows. */
  empty(): Counters;
  /** Counts one answered row. Allocates nothing but a category's text. */
  count(counters: Counters, row: Row, views: RowViews, answer: Answer): void;
  /** Whether a score lies beyond the fences of the profile; false where it has none. */
  isOutside(answer: Answer): boolean;
  read(counters: Counters): Pick<WindowCounts, 'features' | 'scores' | 'predictions'>;
};

/** Where a variable's counters begin: cells, then missing, not finite, wrong type and outside, then its sums. */
type Place = {
  readonly at: number;
  readonly cells: number;
  readonly sums: number | null;
  readonly pivot: number;
  readonly layout: ProfiledVariable['layout'];
};
type Counting = { readonly place: Place; readonly add: (counters: Counters, value: RawValue) => void };

/** Behind the asides. */
const outsideAt = asides.length;
/** Count, sum, sum of squares, least, greatest. */
const sumsLength = 5;

const lengthOf = ({ layout }: ProfiledVariable): number =>
  cellsOf(layout) + asides.length + 1 + (layout.kind === 'numeric' ? sumsLength : 0);

const placeAt = ({ layout }: ProfiledVariable, at: number): Place => {
  const cells = cellsOf(layout);
  const isNumeric = layout.kind === 'numeric';
  return { at, cells, layout, sums: isNumeric ? at + cells + asides.length + 1 : null, pivot: isNumeric ? pivotOf(layout) : 0 };
};

/** The very arithmetic of the profile's own moments, so that the same rows in the same order give the same bits. */
const addToSums = (counters: Counters, sums: number, pivot: number, value: number): void => {
  const deviation = value - pivot;
  (counters[sums] as number) += 1;
  (counters[sums + 1] as number) += deviation;
  (counters[sums + 2] as number) += deviation * deviation;
  if (value < (counters[sums + 3] as number)) counters[sums + 3] = value;
  if (value > (counters[sums + 4] as number)) counters[sums + 4] = value;
};

const beyond = (fences: ProfiledVariable['fences'], value: RawValue): boolean =>
  fences !== null && typeof value === 'number' && Number.isFinite(value) && (value < fences.low || value > fences.high);

const countingOf = (variable: ProfiledVariable, at: number): Counting => {
  const place = placeAt(variable, at);
  const { cells, sums, pivot } = place;
  const { fences } = variable;
  const cellOrAside = createPlacer(variable.layout);
  const add = (counters: Counters, value: RawValue): void => {
    const where = cellOrAside(value);
    (counters[at + (typeof where === 'number' ? where : cells + asides.indexOf(where))] as number) += 1;
    if (sums === null || typeof value !== 'number') return;
    if (Math.abs(value) <= largestInMoments) addToSums(counters, sums, pivot, value);
    if (beyond(fences, value)) (counters[at + cells + outsideAt] as number) += 1;
  };
  return { place, add };
};

/** The value of an input as the profile knew it: a category is its text, a part of an instant is its number. */
const readerOf = ({ source, part }: ProfiledInput, isCategory: boolean): ((row: Row, views: RowViews) => RawValue) => {
  const raw = (row: Row, views: RowViews): RawValue =>
    source.kind === 'view' ? views?.[source.view]?.[source.value] : row[source.column];
  if (part !== null) {
    const partOf = datePartFunctions[part];
    return (row, views) => {
      const value = raw(row, views);
      if (isMissing(value)) return null;
      return isCategory ? String(partOf(Number(value))) : partOf(Number(value));
    };
  }
  return isCategory ? (row, views) => categoryOf(raw(row, views)) : raw;
};

/** Raw outputs as the profile knew them: for two classes that of the second, for more one each, else the number. */
const scoresOf = ({ package: { task, classes, positiveClass } }: Pick<ServedModel, 'package'>) => {
  if (task === 'regression') return (answer: Answer): readonly number[] => [answer.prediction as number];
  if (task === 'multiclass') return ({ probabilities }: Answer) => classes.map((name) => probabilities?.[name] as number);
  const isSecond = positiveClass === null || positiveClass === classes[1];
  return ({ probability }: Answer) => [isSecond ? (probability as number) : 1 - (probability as number)];
};

const readCells = (counters: Counters, { at, cells }: Place): CellCounts => {
  const aside = at + cells;
  return {
    cells: Array.from(counters.subarray(at, aside)),
    missing: counters[aside] as number,
    nonFinite: counters[aside + 1] as number,
    wrongType: counters[aside + 2] as number,
  };
};

const readVariable = (counters: Counters, place: Place): CountedVariable => {
  const { at, cells, sums, pivot } = place;
  const counted = { counts: readCells(counters, place), outside: counters[at + cells + outsideAt] as number };
  if (sums === null) return { ...counted, moments: null };
  const [count, sum, squares, min, max] = counters.subarray(sums, sums + sumsLength) as unknown as [
    number,
    number,
    number,
    number,
    number,
  ];
  return { ...counted, moments: momentsOfSums({ pivot, count, sum, squares, min, max }) };
};

/** Compiles a profile into the counting of rows, exactly as the profile itself was counted; see `infra/profile/`. */
export const createRowCounter = (
  model: Pick<ServedModel, 'featureSet' | 'package'>,
  profile: Pick<ReferenceProfile, 'features' | 'scores' | 'predictions'>,
): RowCounter => {
  const inputs = new Map(profiledInputs(model.featureSet).map((input) => [input.name, input]));
  let length = 0;
  const next = (variable: ProfiledVariable): Counting => {
    const at = length;
    length += lengthOf(variable);
    return countingOf(variable, at);
  };
  const features = profile.features.map((variable) => {
    const input = inputs.get(variable.name) as ProfiledInput;
    return { ...next(variable), read: readerOf(input, variable.layout.kind === 'categorical') };
  });
  const scores = profile.scores.map(next);
  const predictions = profile.predictions === null ? null : next(profile.predictions);
  const scoresOfAnswer = scoresOf(model);
  const fences = profile.scores.map((variable) => variable.fences);
  const numeric = [...features, ...scores].flatMap(({ place }) => place.sums ?? []);
  return {
    length,
    empty: () => {
      const counters = new Float64Array(length);
      for (const sums of numeric) {
        counters[sums + 3] = Number.POSITIVE_INFINITY;
        counters[sums + 4] = Number.NEGATIVE_INFINITY;
      }
      return counters;
    },
    count: (counters, row, views, answer) => {
      for (const { add, read } of features) add(counters, read(row, views));
      const values = scoresOfAnswer(answer);
      for (let index = 0; index < scores.length; index += 1) (scores[index] as Counting).add(counters, values[index]);
      predictions?.add(counters, String(answer.prediction));
    },
    isOutside: (answer) => {
      if (fences.length === 0) return false;
      const values = scoresOfAnswer(answer);
      return fences.some((fence, index) => beyond(fence, values[index]));
    },
    read: (counters) => ({
      features: features.map(({ place }) => readVariable(counters, place)),
      scores: scores.map(({ place }) => readVariable(counters, place)),
      predictions: predictions === null ? null : readCells(counters, predictions.place),
    }),
  };
};
