/**
 * Snapshots, given newest first, that are neither among the newest nor named by a version that serves or served. The order
 * is kept. Does not throw.
 *
 * @example chooseSnapshots(['c', 'b', 'a'], 1, new Set(['a'])) // ['b']
 */
export const chooseSnapshots = <Digest extends string>(
  newestFirst: readonly Digest[],
  newest: number,
  named: ReadonlySet<string>,
): Digest[] => newestFirst.slice(newest).filter((sha256) => !named.has(sha256));
