import type { DatasetColumn, DatasetSchema } from '#domain/contracts/dataset.ts';
import type { DataSpec } from '#domain/contracts/pipeline-spec/data.ts';
import { PerennialError } from '#domain/errors.ts';
import type { Instant } from '#domain/units.ts';
import { columnsToRead, datasetSchemaOf, undeclaredColumns } from './dataset-schema.ts';
import { type Duck, duckMessage } from './duckdb.ts';
import { checkExpression } from './expression.ts';
import { describeSource, inferTypes, type SourceColumn } from './infer.ts';
import { collectRejects } from './rejects.ts';
import { createRowPlan, namedColumnsSql, type RowPlan, typedRows } from './rows.ts';
import type { ReadableObject } from './stage.ts';
import { naturalType } from './typed.ts';
import {
  type EventTime,
  findDuplicates,
  type LabelPlan,
  type PutFile,
  probeRows,
  type WrittenPart,
  writeParts,
} from './write-parts.ts';

export type TableInput = {
  /** Connections of one database; the first also does what cannot be shared out. */
  readonly lanes: readonly Duck[];
  readonly folder: string;
  readonly source: string;
  readonly objects: readonly ReadableObject[];
  /** null for a further source, which has neither event time nor label. */
  readonly data: DataSpec | null;
  readonly frozen: DatasetSchema | null;
  readonly cutoff: Instant | null;
  readonly memoryMiB: number;
  readonly put: PutFile;
  readonly onPart: (partition: string) => void;
};

export type TableResult = {
  readonly schema: DatasetSchema;
  readonly parts: readonly WrittenPart[];
  readonly rows: number;
  readonly eventTime: EventTime | null;
};

/** Bytes that a value takes while rows are sorted, roughly; a quarter of the memory is for one sort. */
const bytesPerValue = 32;
const rowsAtOnce = (memoryMiB: number, columns: number): number =>
  Math.max(100_000, Math.floor((memoryMiB * 1_048_576) / 4 / (bytesPerValue * Math.max(1, columns))));

const labelTypes: readonly DatasetColumn['type'][] = ['boolean', 'integer', 'number', 'category'];

/** Checks the label's expression and finds its type. Throws PRN_DATA_SQL, PRN_DATA_LABEL. */
const planLabel = async (db: Duck, data: DataSpec, plan: RowPlan): Promise<LabelPlan | null> => {
  if (data.label.sql === null) return null;
  const facts = await checkExpression(db, 'data.label.sql', data.label.sql);
  if (facts.hasAggregate || facts.hasWindow)
    throw new PerennialError(
      'PRN_DATA_SQL',
      `Cannot evaluate data.label.sql as it looks at other rows: "${data.label.sql}" must use one row only`,
    );
  const [found] = await db
    .rows<{ column_type: string }>(
      `DESCRIBE SELECT ${facts.sql} AS label FROM (SELECT ${namedColumnsSql(plan)} FROM ${typedRows(plan)} LIMIT 0)`,
    )
    .catch((cause) => {
      throw new PerennialError(
        'PRN_DATA_SQL',
        `Cannot evaluate data.label.sql as ${duckMessage(cause)}: the expression is "${data.label.sql}"`,
        { cause },
      );
    });
  const duckType = found?.column_type ?? 'VARCHAR';
  const type = naturalType(duckType);
  if (!labelTypes.includes(type))
    throw new PerennialError(
      'PRN_DATA_LABEL',
      `Cannot use "${data.label.sql}" as the label as its type is ${duckType}: expected a boolean, a number or text`,
    );
  return { sql: facts.sql, type, duckType };
};

const furtherSchema = (columns: readonly DatasetColumn[]): DatasetSchema => ({
  columns: [...columns],
  eventTime: null,
  key: [],
  label: '',
  labelKnownAfterMs: 0,
});

const planRows = async (input: TableInput, sourceColumns: readonly SourceColumn[]): Promise<RowPlan> => {
  const { data, frozen } = input;
  const undeclared = data ? undeclaredColumns(data, sourceColumns, frozen) : sourceColumns.map((column) => column.name);
  const toInfer = sourceColumns.filter((column) => undeclared.includes(column.name));
  const types = await inferTypes(input.lanes[0] as Duck, input.objects, toInfer, data?.rejected.at_most ?? 0);
  const columns = data
    ? columnsToRead(data, sourceColumns, types, frozen)
    : sourceColumns.map(
        ({ name }): DatasetColumn => ({
          name,
          type: types.get(name) ?? 'string',
          role: 'feature',
          new_values: 'allow',
          missing: 'allow',
          unique: false,
        }),
      );
  return createRowPlan({
    source: input.source,
    objects: input.objects,
    columns,
    sourceColumns,
    cutoff: data ? input.cutoff : null,
    eventTime: data?.event_time ?? null,
    key: data?.key ?? [],
  });
};

/**
 * Types, checks, sorts and stores the rows of one source; rows that cannot be kept go to the table of rejected rows.
 * Throws PRN_DATA_COLUMN_MISSING, PRN_DATA_SQL, PRN_DATA_LABEL.
 */
export const ingestTable = async (input: TableInput): Promise<TableResult> => {
  const db = input.lanes[0] as Duck;
  const plan = await planRows(input, await describeSource(db, input.objects));
  const label = input.data ? await planLabel(db, input.data, plan) : null;
  const labelType = label?.type ?? 'category';
  const schema = input.data ? datasetSchemaOf(input.data, plan.columns, labelType) : furtherSchema(plan.columns);
  const probe = await probeRows(db, plan, rowsAtOnce(input.memoryMiB, plan.columns.length));
  const duplicates = await findDuplicates(db, plan);
  await collectRejects(db, plan, { broken: probe.broken, duplicates });
  const { parts, eventTime } = await writeParts(
    input.lanes,
    { plan, schema, label, hasDuplicates: duplicates > 0, folder: input.folder, put: input.put, onPart: input.onPart },
    probe.groups,
  );
  return { schema, parts, rows: probe.rows - duplicates, eventTime };
};
