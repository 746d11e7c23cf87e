import type { DatasetColumn, DatasetSchema } from '../contracts/dataset.ts';
import type { RequestField, ServedView } from '../contracts/feature-set.ts';
import type { FeaturePlan } from './plan.ts';

const columnsOfPlan = (plan: FeaturePlan): readonly string[] => {
  if (plan.source.kind === 'cross') return plan.source.columns;
  return plan.source.kind === 'column' ? [plan.source.column] : [];
};

/** Columns that a request must bring: what the features read, and what names the entities of the views they use. */
export const requestColumns = (plans: readonly FeaturePlan[], views: readonly ServedView[], schema: DatasetSchema): string[] => {
  const wanted = new Set([...plans.flatMap(columnsOfPlan), ...views.flatMap((view) => view.entity)]);
  return schema.columns.map((column) => column.name).filter((name) => wanted.has(name));
};

export type RequestFacts = {
  /** Columns in which a training row had no value. */
  readonly withMissing: ReadonlySet<string>;
  /** Categories seen in training, for columns whose new values are refused. */
  readonly seen: ReadonlyMap<string, readonly string[]>;
  /** Fields that default to the instant of the request. */
  readonly defaultsToNow: ReadonlySet<string>;
};

const limits = (column: DatasetColumn): Pick<RequestField, 'unit' | 'min' | 'max'> => ({
  ...(column.unit === undefined ? {} : { unit: column.unit }),
  ...(column.min === undefined ? {} : { min: column.min }),
  ...(column.max === undefined ? {} : { max: column.max }),
});

/**
 * The model's schema for what it is asked. A field may be left out only where training saw rows without it: a value
 * that was never missing there has no meaning when it is missing here.
 */
export const requestFields = (names: readonly string[], schema: DatasetSchema, facts: RequestFacts): RequestField[] =>
  names.map((name) => {
    const column = schema.columns.find((each) => each.name === name) as DatasetColumn;
    const isClosed = column.values !== undefined || column.new_values === 'reject';
    const values = column.values ?? (isClosed ? facts.seen.get(name) : undefined);
    const defaultsTo = facts.defaultsToNow.has(name) ? ('now' as const) : null;
    return {
      name,
      type: column.type,
      ...limits(column),
      ...(values === undefined ? {} : { values: [...values] }),
      unknownValues: isClosed ? ('reject' as const) : ('allow' as const),
      required: defaultsTo === null && !facts.withMissing.has(name),
      defaultsTo,
    };
  });
