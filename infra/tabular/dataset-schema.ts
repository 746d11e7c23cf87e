import type { DatasetColumn, DatasetSchema } from '#domain/contracts/dataset.ts';
import type { ColumnSpec, DataSpec } from '#domain/contracts/pipeline-spec/data.ts';
import { PerennialError } from '#domain/errors.ts';
import type { SourceColumn } from './infer.ts';

type Types = ReadonlyMap<string, DatasetColumn['type']>;

const plainSpec = (type: DatasetColumn['type']): ColumnSpec => ({
  type,
  new_values: 'warn',
  missing: 'allow',
  unique: false,
  role: 'feature',
});

const roleOf = (data: DataSpec, name: string, spec: ColumnSpec): DatasetColumn['role'] => {
  if (name === data.event_time) return 'event_time';
  if (name === data.label.name) return 'label';
  return data.key?.includes(name) ? 'key' : spec.role;
};

const toColumn = (data: DataSpec, name: string, spec: ColumnSpec): DatasetColumn => ({
  ...spec,
  name,
  type: name === data.event_time ? 'timestamp' : spec.type,
  role: roleOf(data, name, spec),
});

/** Columns that the pipeline file names outside `columns`; they are read even where nobody declared their types. */
const namedColumns = (data: DataSpec): string[] => [
  ...(data.key ?? []),
  ...(data.event_time === undefined ? [] : [data.event_time]),
  ...(data.label.sql === null ? [data.label.name] : []),
];

/** Names of source columns that have to be inferred, because neither the file nor a frozen schema says their type. */
export const undeclaredColumns = (data: DataSpec, source: readonly SourceColumn[], frozen: DatasetSchema | null): string[] => {
  if (data.columns === undefined) return frozen ? [] : source.map((column) => column.name);
  const declared = data.columns;
  return namedColumns(data).filter((name) => !(name in declared) && source.some((column) => column.name === name));
};

const assertPresent = (wanted: readonly string[], source: readonly SourceColumn[]): void => {
  const present = new Set(source.map((column) => column.name.toLowerCase()));
  const missing = wanted.filter((name) => !present.has(name.toLowerCase()));
  if (missing.length === 0) return;
  const names = (list: readonly string[]) => list.map((name) => `"${name}"`).join(', ');
  throw new PerennialError(
    'PRN_DATA_COLUMN_MISSING',
    `Cannot ingest the source as ${missing.length === 1 ? 'column' : 'columns'} ${names(missing)} ${missing.length === 1 ? 'is' : 'are'} not there: it has ${names(source.map((column) => column.name))}`,
    { details: { missing, present: source.map((column) => column.name) } },
  );
};

const declaredColumns = (
  data: DataSpec,
  source: readonly SourceColumn[],
  types: Types,
  frozen: DatasetSchema | null,
): DatasetColumn[] => {
  if (data.columns === undefined && frozen)
    return frozen.columns
      .filter((column) => !(data.label.sql !== null && column.role === 'label'))
      .map((column) => {
        const { name, role, ...spec } = column;
        return toColumn(data, name, { ...spec, role: role === 'outcome' || role === 'ignore' ? role : 'feature' });
      });
  const typeOf = (name: string) => types.get(name) ?? 'string';
  if (data.columns === undefined) return source.map(({ name }) => toColumn(data, name, plainSpec(typeOf(name))));
  const declared = data.columns;
  const further = [...new Set(namedColumns(data))].filter((name) => !(name in declared));
  assertPresent(further, source);
  return [
    ...Object.entries(declared).map(([name, spec]) => toColumn(data, name, spec)),
    ...further.map((name) => toColumn(data, name, plainSpec(typeOf(name)))),
  ];
};

/**
 * Columns to read from the source, in the order of the parts: as declared, else as the frozen schema of the newest
 * snapshot says, else all of the source with inferred types. A label that is computed is not among them.
 * Throws PRN_DATA_COLUMN_MISSING with what is there.
 */
export const columnsToRead = (
  data: DataSpec,
  source: readonly SourceColumn[],
  types: Types,
  frozen: DatasetSchema | null,
): DatasetColumn[] => {
  const columns = declaredColumns(data, source, types, frozen);
  const wanted = [...columns.map((column) => column.name), ...namedColumns(data)];
  assertPresent([...new Set(wanted)], source);
  return columns;
};

/** The schema of the parts: what was read, less what the label replaces, and the label last. */
export const datasetSchemaOf = (
  data: DataSpec,
  read: readonly DatasetColumn[],
  labelType: DatasetColumn['type'],
): DatasetSchema => {
  const label = read.find((column) => column.name === data.label.name);
  const labelColumn: DatasetColumn =
    data.label.sql === null && label
      ? label
      : { name: data.label.name, type: labelType, role: 'label', new_values: 'warn', missing: 'allow', unique: false };
  return {
    columns: [...read.filter((column) => column.name !== data.label.name), labelColumn],
    eventTime: data.event_time ?? null,
    key: data.key ?? [],
    label: data.label.name,
    labelKnownAfterMs: data.label.known_after,
  };
};
