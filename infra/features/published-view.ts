/** Under which name the values of a view are published: two definitions of one view stand side by side. */
import type { ServedView } from '#domain/contracts/feature-set.ts';
import { digestOfJson } from '../objects/digest.ts';

const digits = 16;
/** Servers ask for each request; a view is hashed once. */
const names = new WeakMap<ServedView, string>();

/** The view's name, "@", and the first digits of the digest of its definition: equal for all versions that mean the same. */
export const publishedName = (view: ServedView): string => {
  const known = names.get(view);
  if (known !== undefined) return known;
  const { name, entity, values, sql, staleAfterMs } = view;
  const digest = digestOfJson({ entity, values, sql, staleAfterMs: staleAfterMs ?? null });
  const published = `${name}@${digest.slice(0, digits)}`;
  names.set(view, published);
  return published;
};

/** As it may be published: publications from before definitions were told apart know the plain name alone. */
export const publishedNames = (view: ServedView): readonly [string, string] => [publishedName(view), view.name];

/** The view's own name, which cannot contain "@". */
export const plainName = (published: string): string => published.split('@', 1)[0] as string;
