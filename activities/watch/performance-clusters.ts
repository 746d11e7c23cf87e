/** Which labelled rows of a window belong together: as the gate took those of the hold-out. */
import type { ClusterUnit } from '#domain/contracts/reference-profile.ts';
import { type Clusters, tooFewClusters } from '#domain/stats/comparison/clusters.ts';
import { dayMs, hourMs } from '#domain/units.ts';
import type { Subject } from './performance-subject.ts';
import type { ScoredRows } from './scored-rows.ts';

const lengthMs = { day: dayMs, hour: hourMs } as const;

/** Of clusters by a time, in milliseconds; null for those by columns. */
export const lengthOf = (by: string): number | null => (by === 'day' || by === 'hour' ? lengthMs[by] : null);

type Unit = ClusterUnit | 'day, else hour' | null;

/** A profile from before clusters were measured does not say; then it is asked of the pipeline file, as the gate does. */
const unitOf = ({ reference, question }: Pick<Subject, 'reference' | 'question'>): Unit => {
  if (reference.clusters !== undefined) return reference.clusters?.unit ?? null;
  const { gate, data } = question.spec;
  if (gate.cluster !== undefined) return gate.cluster === 'none' ? null : gate.cluster;
  if (data.event_time !== undefined) return 'day, else hour';
  return data.key === undefined || data.key.length === 0 ? null : data.key;
};

/** Whether a window has too few clusters to answer for itself, so that those before it are asked with it. */
export const isFew = (clusters: Clusters | null): clusters is Clusters => clusters !== null && tooFewClusters(clusters) !== null;

/** Inputs whose values say which rows belong together; null where a time does, or nothing. */
export const columnsOfClusters = (subject: Pick<Subject, 'reference' | 'question'>): readonly string[] | null => {
  const unit = unitOf(subject);
  return Array.isArray(unit) ? unit : null;
};

const numbered = (by: string, values: Iterable<unknown>): Clusters => {
  const places = new Map<unknown, number>();
  const ids = Uint32Array.from(values, (value) => {
    const place = places.get(value) ?? places.size;
    places.set(value, place);
    return place;
  });
  return { by, ids, count: places.size };
};

const byTime = (unit: 'day' | 'hour', { eventMs }: ScoredRows): Clusters =>
  numbered(
    unit,
    eventMs.map((ms) => Math.floor(ms / lengthMs[unit])),
  );

/** Clusters of the labelled rows of a window; null where each row is evidence of its own. */
export const clustersOf = (subject: Pick<Subject, 'reference' | 'question'>, rows: ScoredRows): Clusters | null => {
  const unit = unitOf(subject);
  if (unit === null) return null;
  if (unit === 'day' || unit === 'hour') return byTime(unit, rows);
  if (unit !== 'day, else hour') return numbered(unit.join(', '), rows.groups);
  return (['day', 'hour'] as const).map((one) => byTime(one, rows)).find((found) => tooFewClusters(found) === null) ?? null;
};
