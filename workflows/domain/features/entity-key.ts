import { joinCategories, type RawValue } from './category.ts';

/**
 * The text under which an entity stands in the online feature table: its values in the view's order, "|" between
 * them. null where a value is missing: such a row has no entity, in training and in serving alike.
 */
export const entityKey = (values: readonly RawValue[]): string | null => joinCategories(values);

/**
 * The key under which a view publishes what an entity without any past has (a count of 0, an average that is missing).
 * No entity can have it: a backslash in a value is always doubled or stands before "|".
 */
export const unseenEntity = '\\unseen';
