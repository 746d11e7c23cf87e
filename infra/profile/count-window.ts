/** Rows of a file or a table, counted against a reference profile: for drift from files, and for what would have been. */
import type { ProfiledVariable, ReferenceProfile, WindowCounts } from '#domain/contracts/reference-profile.ts';
import { PerennialError } from '#domain/errors.ts';
import { nearestName } from '#domain/features/nearest-name.ts';
import { emptyCounts } from '#domain/stats/summaries/cell-counts.ts';
import { emptyMoments } from '#domain/stats/summaries/moments.ts';
import type { Instant, Sha256 } from '#domain/units.ts';
import type { Duck } from '../tabular/duckdb.ts';
import { quoteName } from '../tabular/sql.ts';
import { countTexts, placeCounts } from './count-categories.ts';
import { countNumbers } from './count-numbers.ts';
import { measureMoments } from './measure-moments.ts';
import type { ProfiledRows } from './rows.ts';

/** SQL of a variable of the profile over a row; by default the column of its name. */
export type ColumnOf = (name: string) => string;

export type WindowRows = Pick<ProfiledRows, 'relation'> & {
  readonly columnOf?: ColumnOf;
  /** SQL of each score and of the predicted class by their names in the profile; absent where rows have no answers. */
  readonly answerOf?: ColumnOf;
};

type Span = { readonly from: Instant; readonly to: Instant };
type CountedVariable = WindowCounts['features'][number];
type Asked = { readonly variable: ProfiledVariable; readonly sql: string; readonly type: string };

const numericType = /^(U?(TINY|SMALL|BIG|HUGE)INT|U?INTEGER|FLOAT|DOUBLE|DECIMAL)/;
const textType = /^(VARCHAR|ENUM|BOOLEAN|U?(TINY|SMALL|BIG|HUGE)INT|U?INTEGER)/;

/** The variables with the types that their SQL has here. Throws PRN_DATA_COLUMN_MISSING for a column that is not there. */
const describe = async (
  db: Duck,
  relation: string,
  variables: readonly ProfiledVariable[],
  columnOf: ColumnOf,
): Promise<Asked[]> => {
  if (variables.length === 0) return [];
  const selected = variables.map(({ name }, index) => `${columnOf(name)} AS v${index}`).join(', ');
  const types = await db
    .rows<{ column_type: string }>(`DESCRIBE SELECT ${selected} FROM ${relation}`)
    .catch((error: unknown) => refuseMissing(db, relation, variables, columnOf, error));
  return variables.map((variable, index) => ({
    variable,
    sql: columnOf(variable.name),
    type: (types[index] as { column_type: string }).column_type,
  }));
};

const refuseMissing = async (
  db: Duck,
  relation: string,
  variables: readonly ProfiledVariable[],
  columnOf: ColumnOf,
  cause: unknown,
): Promise<never> => {
  const columns = await db.rows<{ column_name: string }>(`DESCRIBE SELECT * FROM ${relation}`);
  const names = columns.map((column) => column.column_name);
  const missing = variables.find(({ name }) => columnOf(name) === quoteName(name) && !names.includes(name));
  if (missing === undefined) throw cause;
  const nearest = nearestName(missing.name, names);
  const hint = nearest === null ? 'it has not' : `did you mean "${nearest}"?`;
  throw new PerennialError(
    'PRN_DATA_COLUMN_MISSING',
    `Cannot count the window as its rows must have the profile's column "${missing.name}": ${hint}`,
    { cause },
  );
};

const nothingOf = ({ layout }: ProfiledVariable): CountedVariable => ({
  counts: emptyCounts(layout),
  outside: 0,
  moments: layout.kind === 'numeric' ? emptyMoments : null,
});

/** Values of the wrong kind are counted, never converted: a number that came as a text is a broken feed. */
const countWrongType = async (db: Duck, relation: string, { variable, sql }: Asked): Promise<CountedVariable> => {
  const { present, missing } = await db.row<{ present: number; missing: number }>(
    `SELECT count(${sql}) AS present, count(*) - count(${sql}) AS missing FROM ${relation}`,
  );
  const nothing = nothingOf(variable);
  return { ...nothing, counts: { ...nothing.counts, missing, wrongType: present } };
};

const countNumeric = async (db: Duck, rows: WindowRows, asked: readonly Asked[]): Promise<CountedVariable[]> => {
  const columns = asked.flatMap(({ variable: { name, layout, fences }, sql }) =>
    layout.kind === 'numeric' ? [{ name, sql: `CAST(${sql} AS DOUBLE)`, scale: { layout, fences } }] : [],
  );
  const counted = await countNumbers(db, rows, columns);
  const moments = await measureMoments(db, rows, columns);
  return asked.map(({ variable }, index) => {
    // Without rows there is no group.
    const found = counted[index]?.get(0);
    return found === undefined ? nothingOf(variable) : { ...found, moments: moments[index] ?? emptyMoments };
  });
};

const countCategory = async (db: Duck, relation: string, { variable, sql }: Asked): Promise<CountedVariable> => {
  const { layout } = variable;
  if (layout.kind !== 'categorical') return nothingOf(variable);
  return { counts: placeCounts(layout, await countTexts(db, relation, sql)), outside: 0, moments: null };
};

/** In the order of the variables. */
const countVariables = async (
  db: Duck,
  rows: WindowRows,
  variables: readonly ProfiledVariable[],
  columnOf: ColumnOf,
): Promise<CountedVariable[]> => {
  const asked = await describe(db, rows.relation, variables, columnOf);
  const numeric = asked.filter(({ variable, type }) => variable.layout.kind === 'numeric' && numericType.test(type));
  const counted = new Map<Asked, CountedVariable>();
  const numbers = await countNumeric(db, rows, numeric);
  for (const [index, one] of numeric.entries()) counted.set(one, numbers[index] as CountedVariable);
  for (const one of asked) {
    if (counted.has(one)) continue;
    const isText = one.variable.layout.kind === 'categorical' && textType.test(one.type);
    counted.set(one, isText ? await countCategory(db, rows.relation, one) : await countWrongType(db, rows.relation, one));
  }
  return asked.map((one) => counted.get(one) as CountedVariable);
};

/**
 * Counts all rows of a relation as one window of a profile: exactly what a server counts that meets the same values. Scores
 * and predicted classes stay at zero where the rows have none. Throws PRN_DATA_COLUMN_MISSING for a feature that is not there.
 */
export const countWindow = async (
  db: Duck,
  profile: Pick<ReferenceProfile, 'features' | 'scores' | 'predictions'>,
  profileSha256: Sha256,
  rows: WindowRows,
  { from, to }: Span,
): Promise<WindowCounts> => {
  const { columnOf = quoteName, answerOf } = rows;
  const { rows: rowCount } = await db.row<{ rows: number }>(`SELECT count(*) AS rows FROM ${rows.relation}`);
  const { scores, predictions } = profile;
  const answers = predictions === null ? scores : [...scores, predictions];
  const counted =
    answerOf === undefined ? answers.map((variable) => nothingOf(variable)) : await countVariables(db, rows, answers, answerOf);
  return {
    profileSha256,
    from,
    to,
    rows: rowCount,
    features: await countVariables(db, rows, profile.features, columnOf),
    scores: counted.slice(0, scores.length),
    predictions: predictions === null ? null : (counted[scores.length] as CountedVariable).counts,
  };
};
