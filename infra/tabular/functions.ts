import type { Duck } from './duckdb.ts';

export type FunctionFacts = { readonly aggregates: ReadonlySet<string>; readonly unstable: ReadonlySet<string> };
const knownFunctions = new WeakMap<object, Promise<FunctionFacts>>();

/** DuckDB's own catalog says which functions aggregate, and which answer differently from call to call. */
export const functionFacts = (db: Duck): Promise<FunctionFacts> => {
  const found = knownFunctions.get(db.connection);
  if (found) return found;
  const made = db
    .rows<{ name: string; aggregate: boolean; unstable: boolean }>(
      `SELECT function_name AS name, bool_or(function_type = 'aggregate') AS aggregate,
         bool_or(coalesce(stability, 'CONSISTENT') <> 'CONSISTENT') AS unstable FROM duckdb_functions() GROUP BY ALL`,
    )
    .then((rows) => ({
      aggregates: new Set(rows.filter((row) => row.aggregate).map((row) => row.name)),
      // `error` is stable in every way that matters here: it only fails.
      unstable: new Set(rows.filter((row) => row.unstable && row.name !== 'error').map((row) => row.name)),
    }));
  knownFunctions.set(db.connection, made);
  return made;
};
