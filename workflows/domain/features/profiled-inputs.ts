import type { FeatureSet, FittedFeature } from '../contracts/feature-set.ts';
import type { DatePart } from './calendar.ts';

/**
 * A raw value that a model reads, under the name by which its reference profile watches it: "distance",
 * "origin_7d.late_rate", or "date (hour)" for a part of an instant.
 */
export type ProfiledInput = {
  readonly name: string;
  readonly source: Exclude<FittedFeature['source'], { kind: 'cross' }>;
  readonly part: DatePart | null;
  /** Every feature that reads it takes it as a category, also where it is a number. */
  readonly isEncoded: boolean;
  /** Features that read it. */
  readonly features: readonly string[];
};

/** Parts that come again only after weeks: of the instant of a row itself they would always have changed. */
const partsOfCalendar: ReadonlySet<DatePart> = new Set(['day', 'day_of_year', 'month', 'year']);

const encodings: ReadonlySet<string> = new Set(['one-hot', 'ordinal', 'target', 'hash']);

type Read = Pick<ProfiledInput, 'name' | 'source' | 'part'>;

const readBy = ({ source, transforms }: FittedFeature): Read[] => {
  if (source.kind === 'view') return [{ name: `${source.view}.${source.value}`, source, part: null }];
  const part = transforms.find((transform) => transform.kind === 'date-part')?.part ?? null;
  const columns = source.kind === 'cross' ? source.columns : [source.column];
  return columns.map((column) => ({
    name: part === null ? column : `${column} (${part})`,
    source: { kind: 'column', column },
    part,
  }));
};

/**
 * What is watched of the rows that a model is asked about, in the order of its features: each column and view value that a
 * feature reads, once. A server that counts and a profile that is built both go by this list.
 *
 * Left out: the event time as an instant and by its day, month or year, as time only goes on; and columns that only name
 * the entity of a view, as the view's values show their change.
 */
export const profiledInputs = ({ features, eventTime }: Pick<FeatureSet, 'features' | 'eventTime'>): ProfiledInput[] => {
  const found = new Map<string, ProfiledInput>();
  for (const feature of features) {
    const isEncoded = feature.source.kind === 'cross' || feature.transforms.some(({ kind }) => encodings.has(kind));
    for (const read of readBy(feature)) {
      const isCalendar = read.source.kind === 'column' && read.source.column === eventTime && read.part !== null;
      if (isCalendar && partsOfCalendar.has(read.part as DatePart)) continue;
      const before = found.get(read.name);
      found.set(read.name, {
        ...read,
        isEncoded: isEncoded && (before?.isEncoded ?? true),
        features: [...(before?.features ?? []), feature.name],
      });
    }
  }
  return [...found.values()];
};
