/** What kind of answer the label asks for, and each row's label as a number. */
import type { DatasetSchema } from '#domain/contracts/dataset.ts';
import type { FeatureFrame } from '#domain/contracts/feature-set.ts';
import { PerennialError } from '#domain/errors.ts';
import type { Duck, DuckValue } from '../tabular/duckdb.ts';
import { quoteName, quoteText, sqlNumber } from '../tabular/sql.ts';

export type LabelPlan = {
  readonly task: FeatureFrame['task'];
  readonly classes: readonly string[];
  /** SQL over a row: class index or value, as a DOUBLE. */
  readonly numberSql: string;
};

/** More different whole numbers than this are quantities, not classes. */
const mostClasses = 20;

type LabelValue = { value: DuckValue; training: number; holdout: number };

const fail = (label: string, problem: string): PerennialError =>
  new PerennialError('PRN_DATA_LABEL', `Cannot learn the label "${label}" as ${problem}`, { details: { label } });

/** The name of a class; a label is never a list or a struct. */
const nameOf = (value: DuckValue): string => (typeof value === 'string' ? value : JSON.stringify(value));

const literal = (value: DuckValue): string => (typeof value === 'number' ? sqlNumber(value) : quoteText(nameOf(value)));

const classPlan = (label: string, values: readonly LabelValue[]): LabelPlan => {
  const column = quoteName(label);
  const sorted = values.map((each) => each.value).toSorted((left, right) => ((left as never) < (right as never) ? -1 : 1));
  const cases = sorted.map((value, index) => `WHEN ${literal(value)} THEN ${index}`);
  return {
    task: values.length === 2 ? 'binary' : 'multiclass',
    classes: sorted.map(nameOf),
    numberSql: `CAST(CASE ${column} ${cases.join(' ')} END AS DOUBLE)`,
  };
};

const checkClasses = (label: string, values: readonly LabelValue[]): void => {
  const [only] = values;
  if (values.length < 2)
    throw fail(label, `it must have at least two values: it has ${only === undefined ? 'none' : `only "${nameOf(only.value)}"`}`);
  const untrained = values.find((each) => each.training === 0);
  if (untrained) throw fail(label, `each class must have training rows: "${nameOf(untrained.value)}" is only in the hold-out`);
  if (values.filter((each) => each.holdout > 0).length < 2) {
    throw fail(label, 'the hold-out must have at least two of its classes: there is one');
  }
};

/**
 * Infers the task: truths, 0 and 1, or any two values are binary; texts and few whole numbers are classes; all else is
 * a quantity. Reads `rows`, a relation with the label and `_side`. Throws PRN_DATA_LABEL.
 */
export const planLabel = async (db: Duck, rows: string, schema: DatasetSchema): Promise<LabelPlan> => {
  const { label } = schema;
  const column = quoteName(label);
  const type = schema.columns.find((each) => each.name === label)?.type;
  const limit = type === 'integer' || type === 'number' ? mostClasses + 1 : 1_001;
  const values = await db.rows<LabelValue>(
    `SELECT ${column} AS value, count(*) FILTER (_side = 0) AS training, count(*) FILTER (_side = 1) AS holdout
     FROM ${rows} GROUP BY ALL ORDER BY 1 LIMIT ${limit}`,
  );
  if (type === 'timestamp') throw fail(label, 'it must be a class or a number: it is a timestamp');
  const isNumber = type === 'integer' || type === 'number';
  const areWhole = values.every((each) => Number.isInteger(each.value));
  const isQuantity = isNumber && values.length > 2 && (!areWhole || type === 'number' || values.length > mostClasses);
  if (isQuantity) return { task: 'regression', classes: [], numberSql: `CAST(${column} AS DOUBLE)` };
  if (values.length > 1_000) throw fail(label, 'it must have at most 1000 classes: it has more');
  checkClasses(label, values);
  const numberSql = type === 'boolean' ? `CAST(CAST(${column} AS INTEGER) AS DOUBLE)` : null;
  const plan = classPlan(label, values);
  return numberSql === null ? plan : { ...plan, numberSql };
};
