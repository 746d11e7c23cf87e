import type { EvaluationReport } from '#domain/contracts/evaluation-report.ts';
import type { ModelVersion } from '#domain/contracts/model-version.ts';

export type MetricDiff = {
  readonly name: string;
  readonly from: number | null;
  readonly to: number | null;
  readonly difference: number | null;
};

/** What two versions of a pipeline share and where they differ. */
export type VersionDiff = {
  readonly changes: readonly { readonly what: string; readonly from: string | null; readonly to: string | null }[];
  /** Aspects that are equal. */
  readonly same: readonly string[];
  /** Each as its own run measured it, on the hold-out of its own data. */
  readonly metrics: readonly MetricDiff[];
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
  // As lists show it; the package holds the ONNX file and what the server checks it with.
  ['model', (version) => version.modelSha256],
  ['its onnx file', (version) => version.onnxSha256],
];

type Metrics = Readonly<Partial<Record<string, number>>>;

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
    metrics: compareMetrics(from.metrics, to.metrics),
  };
};

/** To minus from; null where one lacks it. */
const compareMetrics = (from: Metrics, to: Metrics): MetricDiff[] =>
  keysOf(from, to).map((name) => {
    const [before, after] = [from[name] ?? null, to[name] ?? null];
    return { name, from: before, to: after, difference: before === null || after === null ? null : after - before };
  });

/** Both on the same rows: as the gate compared them when one of them was the candidate and the other the champion. */
export type SameRows = { readonly rows: number; readonly runKey: string; readonly metrics: readonly MetricDiff[] };

/** `evaluation` is that of the run which made `candidate`; null where it compared it with another version, or with none. */
export const compareOnSameRows = (
  evaluation: EvaluationReport | null,
  candidate: ModelVersion,
  champion: ModelVersion,
  direction: 'to champion' | 'to candidate',
): SameRows | null => {
  if (evaluation?.champion?.version !== champion.version || candidate.runKey === null) return null;
  const [theirs, its] = [evaluation.champion.metrics, evaluation.candidate];
  const metrics = direction === 'to candidate' ? compareMetrics(theirs, its) : compareMetrics(its, theirs);
  return { rows: evaluation.rows, runKey: candidate.runKey, metrics };
};

const keysOf = (...records: Readonly<Record<string, unknown>>[]): string[] => [...new Set(records.flatMap(Object.keys))].sort();
