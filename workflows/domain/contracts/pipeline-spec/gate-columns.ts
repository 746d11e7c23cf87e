/** Columns that the gate names, against those that the file declares. */
import type { DataSpec } from './data.ts';
import type { FeaturesSpec } from './features.ts';
import type { GateSpec } from './training.ts';

type Spec = { readonly data: DataSpec; readonly features: FeaturesSpec; readonly gate: GateSpec };
export type UnknownColumn = {
  readonly path: (string | number)[];
  readonly message: string;
  /** Names that would do. */
  readonly known: readonly string[];
};

const named = ({ slices, fairness, cluster }: GateSpec): { path: (string | number)[]; column: string }[] => [
  ...slices.map(({ by }, index) => ({ path: ['gate', 'slices', index, 'by'], column: by })),
  ...fairness.map(({ by }, index) => ({ path: ['gate', 'fairness', index, 'by'], column: by })),
  ...(Array.isArray(cluster) ? cluster : []).map((column, index) => ({ path: ['gate', 'cluster', index], column })),
];

const declared = ({ data, features }: Spec): string[] => [
  ...Object.keys(data.columns ?? {}),
  ...(data.event_time === undefined ? [] : [data.event_time]),
  ...(data.key ?? []),
  data.label.name,
  ...Object.entries(features.views).flatMap(([view, body]) =>
    'values' in body ? Object.keys(body.values).map((value) => `${view}.${value}`) : [],
  ),
];

/**
 * What the gate slices, compares or clusters by and nobody declares, with its place; nothing where columns are inferred,
 * as only the data say then what is there. Found before anything is trained: the evaluation would find it last.
 */
export const unknownGateColumns = (spec: Spec): UnknownColumn[] => {
  if (spec.data.columns === undefined) return [];
  const known = [...new Set(declared(spec))];
  const fromSql = Object.entries(spec.features.views).flatMap(([view, body]) => ('sql' in body ? [`${view}.`] : []));
  return named(spec.gate)
    .filter(({ column }) => !known.includes(column) && !fromSql.some((prefix) => column.startsWith(prefix)))
    .map(({ path, column }) => ({
      path,
      message: `must be a column of data.columns or view.value: "${column}" is not declared`,
      known,
    }));
};
