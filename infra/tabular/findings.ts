import type { Batch, ValidationFinding } from '#domain/contracts/dataset.ts';
import type { DataSpec } from '#domain/contracts/pipeline-spec/data.ts';
import { dayMs, hourMs } from '#domain/units.ts';
import type { BatchMeasure, CheckMeasure, ColumnMeasure } from './measure.ts';

const finding = (
  check: string,
  severity: ValidationFinding['severity'],
  holds: boolean,
  statement: string,
  more: Partial<Pick<ValidationFinding, 'column' | 'rows' | 'examples'>> = {},
): ValidationFinding => ({
  check,
  column: more.column ?? null,
  severity,
  holds,
  statement,
  rows: holds ? 0 : (more.rows ?? 0),
  examples: (more.examples ?? []).slice(0, 5).map((text) => text.slice(0, 300)),
});

const share = (part: number, whole: number): string => `${((100 * part) / Math.max(1, whole)).toFixed(2)}%`;
const hours = (ms: number): string => (ms >= 2 * dayMs ? `${(ms / dayMs).toFixed(1)} days` : `${(ms / hourMs).toFixed(1)} hours`);

/** All of a column missing ends the run where the column is used: nothing can be learned from it. */
const missingFinding = ({ column, present }: ColumnMeasure, rows: number): ValidationFinding => {
  const missing = rows - present;
  const more = { column: column.name, rows: missing };
  if (present === 0 && rows > 0 && column.role !== 'ignore')
    return finding('schema', 'fail', false, `"${column.name}" has a value in 0 of ${rows} rows: expected at least 1`, more);
  const said = `"${column.name}" is missing in ${missing} of ${rows} rows (${share(missing, rows)})`;
  return column.missing === 'warn'
    ? finding('schema', 'warn', missing === 0, `${said}: expected 0`, more)
    : finding('schema', 'warn', true, said, more);
};

const columnFindings = (measure: ColumnMeasure, rows: number): ValidationFinding[] => {
  const { column, lowest, highest, repeated } = measure;
  const found = [missingFinding(measure, rows)];
  if (lowest !== null && highest !== null) {
    const holds = lowest >= (column.min ?? lowest) && highest <= (column.max ?? highest);
    const limits = `${column.min ?? 'any'} <= "${column.name}" <= ${column.max ?? 'any'}`;
    found.push(finding('schema', 'fail', holds, `${limits}: observed ${lowest} to ${highest}`, { column: column.name }));
  }
  if (repeated !== null)
    found.push(
      finding(
        'schema',
        'fail',
        repeated === 0,
        `"${column.name}" is unique: ${repeated} values stand in more than one row, expected 0`,
        {
          column: column.name,
          rows: repeated,
        },
      ),
    );
  return found;
};

const labelFinding = ({ label, columns, rows }: BatchMeasure): ValidationFinding | null => {
  const column = columns.find((candidate) => candidate.column.role === 'label');
  // A label that is missing everywhere is already told as a column without values.
  if (!column || column.present === 0 || rows === 0) return null;
  const name = column.column.name;
  const statement = `"${name}" has at least 2 values: observed ${label.least === label.most ? `only ${label.least}` : `${label.least} to ${label.most}`}`;
  return finding('schema', 'fail', label.least !== label.most, statement, { column: name, rows });
};

const checkFinding = ({ check, broken, all, examples }: CheckMeasure): ValidationFinding => {
  const unit = check.kind === 'row' ? 'row' : check.groupBy.length === 0 ? 'batch' : 'group';
  const units = unit === 'batch' ? 'batches' : `${unit}s`;
  const statement = `${check.spec.sql} in every ${unit}: ${broken} of ${all} ${units} break it, expected 0`;
  return finding(check.spec.name, check.spec.severity, broken === 0, statement, { rows: broken, examples: [...examples] });
};

const rowsFindings = (data: DataSpec, rows: number): ValidationFinding[] => {
  const { at_least, at_most } = data.rows;
  const found = [finding('rows', 'fail', rows >= at_least, `rows >= ${at_least}: ${rows} rows`)];
  if (at_most !== undefined) found.push(finding('rows', 'fail', rows <= at_most, `rows <= ${at_most}: ${rows} rows`));
  return found;
};

const rejectedFinding = (data: DataSpec, batch: Batch): ValidationFinding => {
  const all = batch.rows + batch.rejected.rows;
  const holds = batch.rejected.rows / Math.max(1, all) <= data.rejected.at_most;
  const statement = `rejected rows <= ${share(data.rejected.at_most, 1)}: ${batch.rejected.rows} of ${all} rows (${share(batch.rejected.rows, all)})`;
  const examples = batch.rejected.reasons.map(
    (reason) =>
      `${reason.rows} x ${reason.column === null ? '' : `"${reason.column}" `}${reason.reason}, such as ${reason.example}`,
  );
  return finding('rejected', 'fail', holds, statement, { rows: batch.rejected.rows, examples });
};

const freshnessFinding = (data: DataSpec, batch: Batch, nowMs: number): ValidationFinding | null => {
  if (data.freshness === undefined || batch.eventTime === null) return null;
  const until = batch.cutoff === null ? nowMs : Date.parse(batch.cutoff);
  const age = Math.max(0, until - Date.parse(batch.eventTime.last));
  const since = batch.cutoff === null ? 'now' : 'the cut-off';
  return finding(
    'freshness',
    'fail',
    age <= data.freshness,
    `newest event no older than ${hours(data.freshness)} before ${since}: it is ${hours(age)} old (${batch.eventTime.last})`,
  );
};

export type NewValues = {
  readonly column: string;
  readonly severity: 'warn' | 'quarantine';
  readonly rows: number;
  readonly values: readonly string[];
};

const newValuesFinding = (found: NewValues): ValidationFinding =>
  finding(
    'schema',
    found.severity,
    found.rows === 0,
    `"${found.column}" has only values of the snapshot before: ${found.rows} rows have others, expected 0`,
    {
      column: found.column,
      rows: found.rows,
      examples: [...found.values],
    },
  );

/** All findings about a batch, in a fixed order: what was expected, what is, and whether it holds. */
export const findingsOf = (facts: {
  data: DataSpec;
  batch: Batch;
  measure: BatchMeasure | null;
  newValues: readonly NewValues[];
  quarantinedRows: number;
  nowMs: number;
}): ValidationFinding[] => {
  const { data, batch, measure } = facts;
  const label = measure && labelFinding(measure);
  const freshness = freshnessFinding(data, batch, facts.nowMs);
  return [
    ...rowsFindings(data, batch.rows - facts.quarantinedRows),
    rejectedFinding(data, batch),
    ...(freshness ? [freshness] : []),
    ...(measure?.columns.flatMap((column) => columnFindings(column, measure.rows)) ?? []),
    ...(label ? [label] : []),
    ...facts.newValues.map(newValuesFinding),
    ...(measure?.checks.map(checkFinding) ?? []),
  ];
};
