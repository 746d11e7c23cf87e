import type { ModelVersion } from '#domain/contracts/model-version.ts';

/** What two versions of a pipeline share and where they differ. */
export type VersionDiff = {
  readonly changes: readonly { readonly what: string; readonly from: string | null; readonly to: string | null }[];
  /** Aspects that are equal. */
  readonly same: readonly string[];
  readonly metrics: readonly {
    readonly name: string;
    readonly from: number | null;
    readonly to: number | null;
    readonly difference: number | null;
  }[];
};

type Aspect = readonly [what: string, value: (version: ModelVersion) => string | null];

/** Model, code, parameters, features, data and definition are versions apart; a version is one of each. */
const aspects: readonly Aspect[] = [
  ['data', (version) => version.snapshotSha256],
  ['features', (version) => version.featureSetSha256],
  ['profile', (version) => version.profileSha256],
  ['definition', (version) => version.definitionSha256],
  ['code', (version) => version.codeVersion],
  ['trainer', (version) => version.trainer],
  ['model', (version) => version.onnxSha256],
];

const digest = /^[0-9a-f]{64}$/;
const shorten = (value: string | null): string | null => (value !== null && digest.test(value) ? value.slice(0, 12) : value);

/** Compares lineage, parameters one by one, and metrics (to minus from; null where one version lacks it). */
export const compareVersions = (from: ModelVersion, to: ModelVersion): VersionDiff => {
  const differing = aspects.filter(([, value]) => value(from) !== value(to));
  const parameters = keysOf(from.parameters, to.parameters).filter(
    (name) => JSON.stringify(from.parameters[name]) !== JSON.stringify(to.parameters[name]),
  );
  const text = (value: unknown): string | null => (value === undefined ? null : JSON.stringify(value));
  return {
    changes: [
      ...differing.map(([what, value]) => ({ what, from: shorten(value(from)), to: shorten(value(to)) })),
      ...parameters.map((name) => ({
        what: `parameter ${name}`,
        from: text(from.parameters[name]),
        to: text(to.parameters[name]),
      })),
    ],
    same: [
      ...aspects.filter((aspect) => !differing.includes(aspect)).map(([what]) => what),
      ...(parameters.length === 0 ? ['parameters'] : []),
    ],
    metrics: keysOf(from.metrics, to.metrics).map((name) => {
      const [before, after] = [from.metrics[name] ?? null, to.metrics[name] ?? null];
      return { name, from: before, to: after, difference: before === null || after === null ? null : after - before };
    }),
  };
};

const keysOf = (...records: Readonly<Record<string, unknown>>[]): string[] => [...new Set(records.flatMap(Object.keys))].sort();
