import type { FittedTransform } from '../contracts/feature-set.ts';
import { datePartFunctions } from './calendar.ts';
import { bucketOf, categoryOf, isMissing, type RawValue } from './category.ts';

/** Values of one row, one for each slot of the vectorizer. */
export type SlotValues = readonly RawValue[];
export type Stage = (value: RawValue, slots: SlotValues) => RawValue;
export type SlotReader = (slots: SlotValues) => RawValue;

/** A position for each category; the first wins where one stands twice. */
const positions = (categories: readonly string[]): ReadonlyMap<string, number> => {
  const byCategory = new Map<string, number>();
  categories.forEach((category, index) => {
    if (!byCategory.has(category)) byCategory.set(category, index);
  });
  return byCategory;
};

const imputeStage =
  (replacement: RawValue): Stage =>
  (value) =>
    isMissing(value) ? replacement : value;

const numberStage =
  (apply: (value: number) => number): Stage =>
  (value) => {
    if (isMissing(value)) return Number.NaN;
    return apply(Number(value));
  };

const targetStage = (transform: Extract<FittedTransform, { kind: 'target' }>): Stage => {
  const means = new Map(transform.categories.map((category, index) => [category, transform.means[index] as number]));
  return (value) => {
    const category = categoryOf(value);
    return category === null ? transform.overall : (means.get(category) ?? transform.overall);
  };
};

const ordinalStage = (categories: readonly string[]): Stage => {
  const codes = positions(categories);
  return (value) => {
    const category = categoryOf(value);
    return category === null ? -1 : (codes.get(category) ?? -1);
  };
};

const hashStage =
  (buckets: number): Stage =>
  (value) => {
    const category = categoryOf(value);
    return category === null ? Number.NaN : bucketOf(category, buckets);
  };

const minMaxStage = (min: number, max: number): Stage => {
  const width = max > min ? max - min : 1;
  return numberStage((value) => (value - min) / width);
};

/** Compiles one transform that gives one value; one-hot has a writer of its own. */
export const compileStage = (
  transform: Exclude<FittedTransform, { kind: 'one-hot' }>,
  readerOf: (source: Extract<FittedTransform, { kind: 'impute-from' }>['source']) => SlotReader,
): Stage => {
  switch (transform.kind) {
    case 'date-part':
      return numberStage(datePartFunctions[transform.part]);
    case 'impute':
      return imputeStage(transform.value);
    case 'impute-from': {
      const read = readerOf(transform.source);
      return (value, slots) => {
        if (!isMissing(value)) return value;
        const other = read(slots);
        return isMissing(other) ? transform.otherwise : other;
      };
    }
    case 'standard-scale':
      return numberStage((value) => (value - transform.mean) / transform.standardDeviation);
    case 'min-max-scale':
      return minMaxStage(transform.min, transform.max);
    case 'boolean':
      return numberStage((value) => (value ? 1 : 0));
    case 'ordinal':
      return ordinalStage(transform.categories);
    case 'target':
      return targetStage(transform);
    case 'hash':
    default:
      return hashStage(transform.buckets);
  }
};

/**
 * Index of the output that is 1, or -1 for none. Missing and unknown values take "other" where there is one: a model
 * of indicators can then tell "none of these" from a row of zeros that it never saw.
 */
export const oneHotIndex = (transform: Extract<FittedTransform, { kind: 'one-hot' }>): ((value: RawValue) => number) => {
  const indexes = positions(transform.categories);
  const other = transform.other ? transform.categories.length : -1;
  return (value) => {
    const category = categoryOf(value);
    return category === null ? other : (indexes.get(category) ?? other);
  };
};
