import type { FeatureSet, ServedView } from '#domain/contracts/feature-set.ts';
import type { RawRow, ViewLookup } from '#domain/features/apply.ts';
import { unseenEntity } from '#domain/features/entity-key.ts';
import { plainName, publishedNames } from '../../infra/features/published-view.ts';

export type ViewValues = Readonly<Record<string, number | string | null>>;
type Published = { readonly values: ViewValues; readonly knownAtMs: number };

/** One publication of a pipeline's view values, in memory; replaced as a whole by the next. */
export type OnlineCopy = {
  readonly publication: string | null;
  /** By name and definition, so that champion and candidate find their own; in older publications by name alone. */
  readonly views: ReadonlyMap<string, Entities>;
};
type Entities = ReadonlyMap<string, Published>;

export const emptyOnlineCopy: OnlineCopy = { publication: null, views: new Map() };

export type OnlineRow = {
  readonly view: string;
  readonly entity: string;
  readonly values: ViewValues;
  readonly knownAt: string;
};

export const createOnlineCopy = (publication: string, rows: Iterable<OnlineRow>): OnlineCopy => {
  const views = new Map<string, Map<string, Published>>();
  for (const { view, entity, values, knownAt } of rows) {
    const entities = views.get(view) ?? new Map<string, Published>();
    if (entities.size === 0) views.set(view, entities);
    entities.set(entity, { values, knownAtMs: Date.parse(knownAt) });
  }
  return { publication, views };
};

/** Entities by the plain names of views; the most, where several definitions of one are published. */
export const entityCounts = (copy: OnlineCopy): ReadonlyMap<string, number> => {
  const counts = new Map<string, number>();
  for (const [published, entities] of copy.views) {
    const view = plainName(published);
    counts.set(view, Math.max(counts.get(view) ?? 0, entities.size));
  }
  return counts;
};

/** Why a row got no published value of its own: no entity named, nothing published, an entity without a past, too old. */
export type ImputedReason = 'missing' | 'unseen' | 'stale';

/**
 * Gives a row its published values. What is too old at the row's own instant counts as no past, as in training, where it
 * would have left the window; the vectorizer then asks for what an entity without a past has, else imputes.
 */
export const lookupFor = (
  featureSet: FeatureSet,
  copy: OnlineCopy,
  onImputed: (view: string, reason: ImputedReason) => void,
): ((row: RawRow) => ViewLookup) => {
  const views = new Map(featureSet.views.map((view) => [view.name, view]));
  const published = new Map(featureSet.views.map((view) => [view.name, entitiesOf(copy, view)]));
  return (row) => {
    const at = instantOf(featureSet, row);
    for (const view of views.values()) {
      if (view.entity.some((column) => row[column] == null)) onImputed(view.name, 'missing');
    }
    return (name, entity) => {
      const entities = published.get(name);
      const found = entities?.get(entity);
      if (found !== undefined && (entity === unseenEntity || !isStale(views.get(name), found, at))) return found.values;
      if (entity !== unseenEntity) onImputed(name, reasonOf(found !== undefined, entities?.has(unseenEntity) ?? false));
      return undefined;
    };
  };
};

const entitiesOf = (copy: OnlineCopy, view: ServedView): Entities | undefined => {
  const [own, plain] = publishedNames(view);
  return copy.views.get(own) ?? copy.views.get(plain);
};

const reasonOf = (isPublished: boolean, isUnseenPublished: boolean): ImputedReason => {
  if (isPublished) return 'stale';
  return isUnseenPublished ? 'unseen' : 'missing';
};

/** The data's own time: null where the rows carry none, and then nothing is ever stale. */
const instantOf = (featureSet: FeatureSet, row: RawRow): number | null => {
  const value = featureSet.eventTime == null ? null : row[featureSet.eventTime];
  return typeof value === 'number' ? value : null;
};

const isStale = (view: ServedView | undefined, published: Published, at: number | null): boolean =>
  at !== null && view?.staleAfterMs != null && at - published.knownAtMs > view.staleAfterMs;
