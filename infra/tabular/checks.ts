import type { DatasetSchema } from '#domain/contracts/dataset.ts';
import type { CheckSpec } from '#domain/contracts/pipeline-spec/data.ts';
import { PerennialError } from '#domain/errors.ts';
import { type Duck, duckMessage } from './duckdb.ts';
import { checkExpression } from './expression.ts';
import { quoteName } from './sql.ts';

/**
 * An expectation as it will be asked. "row": judged for each row; "group": once for each group; groups are named by
 * `groupBy`, which is empty where the whole batch is one group. An answer of NULL holds, as in an SQL CHECK.
 */
export type PlannedCheck = {
  readonly spec: CheckSpec;
  readonly kind: 'row' | 'group';
  readonly sql: string;
  readonly hasWindow: boolean;
  readonly groupBy: readonly string[];
};

const fail = (check: CheckSpec, why: string, cause?: unknown) =>
  new PerennialError('PRN_DATA_SQL', `Cannot evaluate check "${check.name}" as ${why}: the expression is "${check.sql}"`, {
    cause,
    details: { check: check.name },
  });

const groupsOf = (check: CheckSpec, schema: DatasetSchema): string[] => {
  if (check.per === undefined) return [];
  if (check.per !== 'day') return check.per.map(quoteName);
  if (schema.eventTime === null) throw fail(check, 'it is per day, and the data has no event time');
  return [`${quoteName(schema.eventTime)}::DATE`];
};

/** Parses a check and binds it to the columns (table `shape`). Throws PRN_DATA_SQL with the check's name. */
export const planCheck = async (db: Duck, spec: CheckSpec, schema: DatasetSchema): Promise<PlannedCheck> => {
  const facts = await checkExpression(db, `check "${spec.name}"`, spec.sql);
  const groupBy = facts.hasAggregate ? groupsOf(spec, schema) : [];
  const grouping = groupBy.length === 0 ? '' : ` GROUP BY ${groupBy.join(', ')}`;
  const [bound] = await db
    .rows<{ column_type: string }>(`DESCRIBE SELECT ${facts.sql} AS ok FROM shape${grouping}`)
    .catch((cause) => {
      throw fail(spec, duckMessage(cause), cause);
    });
  if (bound?.column_type !== 'BOOLEAN') throw fail(spec, `it gives ${bound?.column_type}, and should give a boolean`);
  return { spec, kind: facts.hasAggregate ? 'group' : 'row', sql: facts.sql, hasWindow: facts.hasWindow, groupBy };
};

const label = (check: PlannedCheck): string =>
  check.groupBy.length === 0 ? `'all rows'` : `concat_ws(', ', ${check.groupBy.map((name) => `${name}::VARCHAR`).join(', ')})`;

/** One row: how many groups (or rows) break the check, of how many, and five of their names. */
export const countBroken = (check: PlannedCheck, relation: string): string => {
  if (check.kind === 'row')
    return `SELECT count(*) FILTER (NOT ok) AS broken, count(*) AS "all", NULL::VARCHAR[] AS examples FROM (SELECT ${check.sql} AS ok FROM ${relation})`;
  const grouping = check.groupBy.length === 0 ? '' : ` GROUP BY ${check.groupBy.join(', ')}`;
  return `SELECT count(*) FILTER (NOT ok) AS broken, count(*) AS "all", min(name, 5) FILTER (NOT ok) AS examples
    FROM (SELECT ${check.sql} AS ok, ${label(check)} AS name FROM ${relation}${grouping})`;
};

/** Rows that break a check, or stand in a group that does, as a query over a relation that has more columns. */
export const brokenRows = (check: PlannedCheck, relation: string): string => {
  if (check.kind === 'row') return `SELECT * EXCLUDE (ok) FROM (SELECT *, ${check.sql} AS ok FROM ${relation}) WHERE NOT ok`;
  if (check.groupBy.length === 0) return `SELECT * FROM ${relation} WHERE NOT (SELECT ${check.sql} FROM ${relation})`;
  const keys = check.groupBy.map((name, index) => `${name} AS g${index}`).join(', ');
  const match = check.groupBy.map((name, index) => `${name} IS NOT DISTINCT FROM g${index}`).join(' AND ');
  return `SELECT * EXCLUDE (${check.groupBy.map((_, index) => `g${index}`).join(', ')}) FROM ${relation}
    JOIN (SELECT ${keys} FROM ${relation} GROUP BY ${check.groupBy.join(', ')} HAVING NOT ${check.sql}) ON ${match}`;
};

/** Which check a failing statement failed for: each is asked alone. Rethrows where none is to blame. */
export const blameCheck = async (db: Duck, checks: readonly PlannedCheck[], relation: string, cause: unknown): Promise<never> => {
  for (const check of checks) {
    try {
      await db.rows(countBroken(check, relation));
    } catch (error) {
      throw fail(check.spec, duckMessage(error), error);
    }
  }
  throw cause;
};
