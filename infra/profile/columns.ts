/** Inputs of a feature set as SQL over the rows of its features step. */
import type { DatasetSchema } from '#domain/contracts/dataset.ts';
import type { FeatureSet } from '#domain/contracts/feature-set.ts';
import type { DatePart } from '#domain/features/calendar.ts';
import { type ProfiledInput, profiledInputs } from '#domain/features/profiled-inputs.ts';
import { datePartSql } from '../features/summaries.ts';
import { quoteName } from '../tabular/sql.ts';
import type { ProfiledColumn } from './rows.ts';

/** Few values, each a name rather than a quantity. */
const namedParts: ReadonlySet<DatePart> = new Set(['hour', 'weekday', 'day', 'month']);

export type InputColumn = ProfiledColumn & { readonly input: ProfiledInput };

type Context = {
  readonly schema: DatasetSchema;
  /** View values that are texts, as `view.value`. */
  readonly textValues: ReadonlySet<string>;
};

const isCategory = ({ name, source, part, isEncoded }: ProfiledInput, { schema, textValues }: Context): boolean => {
  if (part !== null) return namedParts.has(part);
  if (source.kind === 'view') return textValues.has(name);
  const type = schema.columns.find((column) => column.name === source.column)?.type;
  // A fraction is a quantity, whatever a feature makes of it.
  return type === 'integer' ? isEncoded : type !== 'number';
};

/** What is profiled of a feature set, in its order. A category is the text that the features know it by. */
export const profiledColumns = (featureSet: FeatureSet, context: Context): InputColumn[] =>
  profiledInputs(featureSet).map((input) => {
    const { name, source, part } = input;
    const raw = quoteName(source.kind === 'view' ? name : source.column);
    const value = part === null ? raw : datePartSql(part, raw);
    return isCategory(input, context)
      ? { name, input, kind: 'categorical', sql: `CAST(${value} AS VARCHAR)` }
      : { name, input, kind: 'numeric', sql: `CAST(${value} AS DOUBLE)` };
  });
