import type { DatasetColumn, DatasetManifest, DatasetPart } from '#domain/contracts/dataset.ts';

export type PartChange = {
  readonly source: string;
  readonly partition: string;
  readonly change: 'added' | 'removed' | 'changed';
  readonly rowsBefore: number;
  readonly rowsAfter: number;
};
export type SnapshotDiff = {
  readonly rows: { readonly before: number; readonly after: number };
  readonly bytes: { readonly before: number; readonly after: number };
  readonly sharedParts: number;
  readonly parts: readonly PartChange[];
  /** Columns that differ in type, role or limits; null where one side has no such column. */
  readonly columns: readonly {
    readonly name: string;
    readonly before: DatasetColumn | null;
    readonly after: DatasetColumn | null;
  }[];
};

const placeOf = (part: DatasetPart): string => `${part.source}/${part.partition}`;
const byPlace = (manifest: DatasetManifest): Map<string, DatasetPart> =>
  new Map(manifest.parts.map((part) => [placeOf(part), part]));

const changesOf = (before: Map<string, DatasetPart>, after: Map<string, DatasetPart>): PartChange[] =>
  [...new Set([...before.keys(), ...after.keys()])].sort().flatMap((place) => {
    const [old, now] = [before.get(place), after.get(place)];
    if (old?.sha256 === now?.sha256) return [];
    const { source, partition } = (now ?? old) as DatasetPart;
    const change = old ? (now ? 'changed' : 'removed') : 'added';
    return [{ source, partition, change, rowsBefore: old?.rows ?? 0, rowsAfter: now?.rows ?? 0 } as const];
  });

const columnChanges = (before: DatasetManifest, after: DatasetManifest): SnapshotDiff['columns'] => {
  const find = (manifest: DatasetManifest, name: string) =>
    manifest.schema.columns.find((column) => column.name === name) ?? null;
  const names = [...new Set([...before.schema.columns, ...after.schema.columns].map((column) => column.name))];
  return names
    .map((name) => ({ name, before: find(before, name), after: find(after, name) }))
    .filter(({ before: old, after: now }) => JSON.stringify(old) !== JSON.stringify(now));
};

/** What lies between two snapshots, part by part. Costs nothing but the two manifests. */
export const diffSnapshots = (before: DatasetManifest, after: DatasetManifest): SnapshotDiff => {
  const [old, now] = [byPlace(before), byPlace(after)];
  return {
    rows: { before: before.rows, after: after.rows },
    bytes: { before: before.bytes, after: after.bytes },
    sharedParts: [...now].filter(([place, part]) => old.get(place)?.sha256 === part.sha256).length,
    parts: changesOf(old, now),
    columns: columnChanges(before, after),
  };
};
