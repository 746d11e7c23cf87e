/** The rows that are profiled or counted, as SQL. */

/** A relation, and what of it is needed beside its columns. */
export type ProfiledRows = {
  /** What stands behind FROM: a table, a view, a call of read_parquet. */
  readonly relation: string;
  /** SQL of a whole number >= 0 that every row has for itself and that ascends in the order of storage. */
  readonly rowNumber: string;
  /** SQL of a row's instant in epoch milliseconds; null where rows have none. */
  readonly epochMs: string | null;
};

/** A value to be profiled: a number, or a text for a category. */
export type ProfiledColumn = {
  readonly name: string;
  readonly kind: 'numeric' | 'categorical';
  /** SQL of a DOUBLE or a VARCHAR over a row. */
  readonly sql: string;
};

/** Numbers as a list that SQL reads back exactly: the smallest ones and infinities too. */
export const doublesSql = (values: readonly number[]): string => `CAST('[${values.join(', ')}]' AS DOUBLE[])`;

/** Squares of larger numbers, added up, leave the range of a double: such are in the cells and not in the moments. */
export const largestInMoments = 1e140;

/** Bounds the length of a statement, and the memory of a sample of so many columns. */
const columnsAtOnce = 16;

/** In portions that one statement takes well. */
export const inPortions = <T>(items: readonly T[]): T[][] =>
  Array.from({ length: Math.ceil(items.length / columnsAtOnce) }, (_, index) =>
    items.slice(index * columnsAtOnce, (index + 1) * columnsAtOnce),
  );
