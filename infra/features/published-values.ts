/** What was published of a snapshot for some entities, computed again. */
import type { DatasetManifest } from '#domain/contracts/dataset.ts';
import type { ServedView } from '#domain/contracts/feature-set.ts';
import type { FeaturesSpec } from '#domain/contracts/pipeline-spec/features.ts';
import type { RawRow } from '#domain/features/apply.ts';
import { entityKey, unseenEntity } from '#domain/features/entity-key.ts';
import type { Duck } from '../tabular/duckdb.ts';
import { newestValues } from './publish.ts';
import { attachSnapshot, type SnapshotFiles } from './snapshot.ts';
import { compileViews } from './views.ts';

export type ViewValues = Readonly<Record<string, number | string | null>>;
type Published = { readonly values: ViewValues; readonly knownAtMs: number };
/** By view and entity; only the entities that were asked for, and what an entity without a past has. */
export type PublishedValues = ReadonlyMap<string, ReadonlyMap<string, Published>>;

/** The entities that rows name, by view. */
export const entitiesOf = (views: readonly ServedView[], rows: readonly RawRow[]): ReadonlyMap<string, ReadonlySet<string>> =>
  new Map(
    views.map(({ name, entity }) => {
      const keys = rows.map((row) => entityKey(entity.map((column) => row[column])));
      return [name, new Set([unseenEntity, ...keys.filter((key) => key !== null)])];
    }),
  );

/** What publishing a snapshot gives for the entities asked for. Throws as compiling its views does. */
export const publishedValues = async (
  db: Duck,
  files: SnapshotFiles,
  manifest: DatasetManifest,
  specs: FeaturesSpec['views'],
  wanted: ReadonlyMap<string, ReadonlySet<string>>,
): Promise<PublishedValues> => {
  const found = new Map<string, Map<string, Published>>();
  const { eventTime } = manifest.schema;
  if (eventTime === null || manifest.eventTime === null) return found;
  await attachSnapshot(db, files);
  const sources = [...files.further.keys()];
  const views = await compileViews(db, specs, manifest.schema, sources);
  const watermarkMs = Date.parse(manifest.eventTime.last);
  for await (const row of newestValues(db, views, { schema: manifest.schema, eventTime, watermarkMs, sources })) {
    if (wanted.get(row.view)?.has(row.entity) !== true) continue;
    const entities = found.get(row.view) ?? new Map<string, Published>();
    found.set(row.view, entities.set(row.entity, { values: row.values, knownAtMs: Date.parse(row.knownAt) }));
  }
  return found;
};

/**
 * What a server gives a row of a publication: the values of the entity that it names, as long as they are not too old at
 * the row's own instant, else what an entity without a past has; absent where there is neither.
 */
export const servedValues = (
  views: readonly ServedView[],
  published: PublishedValues,
  row: RawRow,
  atMs: number | null,
): Readonly<Record<string, ViewValues>> => {
  const found: Record<string, ViewValues> = Object.create(null);
  for (const { name, entity, staleAfterMs } of views) {
    const key = entityKey(entity.map((column) => row[column]));
    const own = key === null ? undefined : published.get(name)?.get(key);
    const isStale = own !== undefined && atMs !== null && staleAfterMs != null && atMs - own.knownAtMs > staleAfterMs;
    const values = own !== undefined && !isStale ? own.values : published.get(name)?.get(unseenEntity)?.values;
    if (key !== null && values !== undefined) found[name] = values;
  }
  return found;
};
