import type { FeatureSet } from '#domain/contracts/feature-set.ts';
import type { RawRow, ViewLookup } from '#domain/features/apply.ts';
import { entityKey, unseenEntity } from '#domain/features/entity-key.ts';
import type { ViewValues } from './online-copy.ts';

/** Published values that a row was given, by view; a view without any is absent. Null where a model has no views. */
export type RowViews = Readonly<Record<string, ViewValues>> | null;

/**
 * Looks the views of a row up once, in the way that the vectorizer would: for the entity that the row names, else what an
 * entity without any past has. What is counted and logged is then what was computed with.
 */
export const rowViewsOf = (featureSet: Pick<FeatureSet, 'views'>, row: RawRow, lookup: ViewLookup): RowViews => {
  if (featureSet.views.length === 0) return null;
  // Without a prototype: a view may be called "__proto__".
  const found: Record<string, ViewValues> = Object.create(null);
  for (const { name, entity } of featureSet.views) {
    const key = entityKey(entity.map((column) => row[column]));
    const values = key === null ? undefined : (lookup(name, key) ?? lookup(name, unseenEntity));
    if (values !== undefined) found[name] = values;
  }
  return found;
};

/** Answers the vectorizer from what was looked up. */
export const lookupIn =
  (views: RowViews): ViewLookup =>
  (view) =>
    views?.[view];
