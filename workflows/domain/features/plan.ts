/** From what a pipeline declares under features.inputs to a plan of features, checked against the columns there are. */
import type { DatasetColumn, DatasetSchema } from '../contracts/dataset.ts';
import type { FittedFeature } from '../contracts/feature-set.ts';
import type { FeaturesSpec, InputSpec } from '../contracts/pipeline-spec/features.ts';
import { PerennialError } from '../errors.ts';
import type { DatePart } from './calendar.ts';
import { nearestName } from './nearest-name.ts';

export type FeatureSource = FittedFeature['source'];
export type ValueKind = 'number' | 'boolean' | 'category' | 'timestamp';
export type Encoding = 'one-hot' | 'ordinal' | 'target' | 'hash';

/** How a missing value is filled: with a number learned in training, a constant, or another input's value. */
export type ImputePlan =
  | { readonly kind: 'median' | 'mean' | 'mode' }
  | { readonly kind: 'constant'; readonly value: number | string }
  | { readonly kind: 'input'; readonly name: string };

export type FeaturePlan = {
  readonly name: string;
  readonly source: FeatureSource;
  /** Kind of the raw value. */
  readonly kind: ValueKind;
  readonly part: DatePart | null;
  readonly impute: ImputePlan | null;
  readonly scale: InputSpec['scale'];
  /** null: the number itself. */
  readonly encode: Encoding | null;
  readonly minCount: number;
  readonly buckets: number;
  readonly smoothing: number;
};

/** What a view offers to the inputs. */
export type PlannedView = {
  readonly name: string;
  readonly values: readonly { readonly name: string; readonly type: 'number' | 'category' }[];
};
type Scope = { readonly schema: DatasetSchema; readonly views: readonly PlannedView[]; readonly names: readonly string[] };

const invalid = (input: string, problem: string): PerennialError =>
  new PerennialError('PRN_FEATURE_INVALID', `Cannot build the feature "${input}" as ${problem}`, { details: { input } });

const kindOfColumn = (column: DatasetColumn): ValueKind => {
  if (column.type === 'integer' || column.type === 'number') return 'number';
  return column.type === 'string' ? 'category' : column.type;
};

const viewSource = (from: string, scope: Scope): { source: FeatureSource; kind: ValueKind } | null => {
  for (const view of scope.views) {
    const value = view.values.find((each) => `${view.name}.${each.name}` === from);
    if (value) return { source: { kind: 'view', view: view.name, value: value.name }, kind: value.type };
  }
  return null;
};

const columnOf = (input: string, name: string, scope: Scope): DatasetColumn => {
  const column = scope.schema.columns.find((each) => each.name === name);
  if (!column) {
    const values = scope.views.flatMap((view) => view.values.map((value) => `${view.name}.${value.name}`));
    const meant = nearestName(name, [...scope.schema.columns.map((each) => each.name), ...values]);
    throw invalid(
      input,
      `"${name}" must be a column or view.value${meant ? `: did you mean "${meant}"?` : ': there is none of that name'}`,
    );
  }
  if (column.role === 'label') throw invalid(input, `"${name}" is the label itself`);
  if (column.role === 'outcome') {
    throw invalid(input, `"${name}" has the role outcome: it is known only with the label, and never a feature`);
  }
  return column;
};

const resolveSource = (input: string, spec: InputSpec, scope: Scope): { source: FeatureSource; kind: ValueKind } => {
  if (spec.cross !== undefined) {
    for (const column of spec.cross) columnOf(input, column, scope);
    return { source: { kind: 'cross', columns: [...spec.cross] }, kind: 'category' };
  }
  const from = spec.from ?? input;
  const view = viewSource(from, scope);
  if (view) return view;
  return { source: { kind: 'column', column: from }, kind: kindOfColumn(columnOf(input, from, scope)) };
};

const statistics = new Set(['median', 'mean', 'mode']);

const imputeOf = (input: string, spec: InputSpec, isCategory: boolean, scope: Scope): ImputePlan | null => {
  const { impute } = spec;
  if (impute === undefined) return null;
  if (typeof impute === 'number') {
    return isCategory ? { kind: 'constant', value: String(impute) } : { kind: 'constant', value: impute };
  }
  if (statistics.has(impute)) {
    if (isCategory && impute !== 'mode') throw invalid(input, `a category has no ${impute}: impute must be mode or a constant`);
    return { kind: impute as 'median' | 'mean' | 'mode' };
  }
  if (isCategory) return { kind: 'constant', value: impute };
  if (impute === input || !scope.names.includes(impute)) {
    const meant = nearestName(impute, ['median', 'mean', 'mode', ...scope.names]);
    const hint = meant === null || meant === input ? '' : `; did you mean "${meant}"?`;
    throw invalid(input, `impute must be median, mean, mode, a number or another input: it is "${impute}"${hint}`);
  }
  return { kind: 'input', name: impute };
};

const encodingOf = (input: string, spec: InputSpec, kind: ValueKind): Encoding | null => {
  if (spec.encode === 'none') {
    if (kind === 'category') throw invalid(input, 'a category must be encoded: one-hot, ordinal, target or hash');
    return null;
  }
  return spec.encode ?? (kind === 'category' ? 'ordinal' : null);
};

const planInput = (input: string, spec: InputSpec, scope: Scope): FeaturePlan => {
  const { source, kind } = resolveSource(input, spec, scope);
  if (spec.part !== undefined && kind !== 'timestamp') throw invalid(input, `part must be of a timestamp: it is a ${kind}`);
  if (spec.part === undefined && kind === 'timestamp') {
    throw invalid(input, 'a timestamp must say which part of it is meant, such as part: hour');
  }
  const encode = encodingOf(input, spec, kind);
  if (encode !== null && spec.scale !== 'none')
    throw invalid(input, `scale must be none where encode is ${encode}: it is ${spec.scale}`);
  return {
    name: input,
    source,
    kind,
    part: spec.part ?? null,
    impute: imputeOf(input, spec, kind === 'category', scope),
    scale: spec.scale,
    encode,
    minCount: spec.min_count,
    buckets: spec.buckets,
    smoothing: spec.smoothing,
  };
};

const plain = { scale: 'none', min_count: 1, buckets: 1024, smoothing: 20 } as const;

const defaultOfColumn = (column: DatasetColumn): [string, InputSpec][] => {
  switch (kindOfColumn(column)) {
    case 'timestamp':
      return (['hour', 'weekday'] as const).map((part) => [`${column.name}_${part}`, { ...plain, from: column.name, part }]);
    case 'category':
      return [[column.name, { ...plain, encode: 'ordinal' }]];
    case 'number':
      return [[column.name, { ...plain, impute: 'median' }]];
    case 'boolean':
    default:
      return [[column.name, { ...plain }]];
  }
};

/** Names and free text (type string) say something of one row only; a model must be asked to read them. */
const isDefaultInput = ({ role, type }: DatasetColumn): boolean =>
  role === 'event_time' || (role === 'feature' && type !== 'string');

/** Inputs of a pipeline that declares none: every feature column but text, the event's instant, every value of a view. */
const defaultInputs = (schema: DatasetSchema, views: readonly PlannedView[]): [string, InputSpec][] => [
  ...schema.columns.filter(isDefaultInput).flatMap((column) => defaultOfColumn(column)),
  ...views.flatMap((view) =>
    view.values.map((value): [string, InputSpec] => [
      `${view.name}.${value.name}`,
      value.type === 'number' ? { ...plain, impute: 'median' } : { ...plain, encode: 'ordinal' },
    ]),
  ),
];

const checkFallbacks = (plans: readonly FeaturePlan[]): void => {
  for (const plan of plans) {
    if (plan.impute?.kind !== 'input') continue;
    const { name } = plan.impute;
    const other = plans.find((each) => each.name === name) as FeaturePlan;
    const isNumber = other.kind === 'number' && other.part === null && other.encode === null;
    if (!isNumber || plan.part !== null || plan.kind !== 'number') {
      throw invalid(plan.name, `it can be filled from "${name}" only where both are plain numbers`);
    }
  }
};

/**
 * Plans the features of a definition, in the order in which it holds them. Refuses label and outcome columns,
 * unknown names and combinations without a meaning. Throws PRN_FEATURE_INVALID naming the input.
 */
export const planFeatures = (spec: FeaturesSpec, schema: DatasetSchema, views: readonly PlannedView[]): FeaturePlan[] => {
  const inputs = spec.inputs === undefined ? defaultInputs(schema, views) : Object.entries(spec.inputs);
  const scope: Scope = { schema, views, names: inputs.map(([name]) => name) };
  const plans = inputs.map(([name, input]) => planInput(name, input, scope));
  if (plans.length === 0) {
    throw new PerennialError(
      'PRN_FEATURE_INVALID',
      'Cannot build features as there must be at least one: no column has the role feature, or those that have it are text (type string), which only features.inputs can ask for',
    );
  }
  checkFallbacks(plans);
  return plans;
};
