import type { DatasetManifest, DatasetSchema } from '#domain/contracts/dataset.ts';
import { type FeatureSet, featureSetSchema, type ServedView } from '#domain/contracts/feature-set.ts';
import type { ViewSpec } from '#domain/contracts/pipeline-spec/features.ts';
import { PerennialError } from '#domain/errors.ts';
import type { Sha256 } from '#domain/units.ts';
import { readManifest } from '../infra/data/manifest.ts';
import { newestValues } from '../infra/features/publish.ts';
import { publishedName, publishedNames } from '../infra/features/published-view.ts';
import { allFiles, attachSnapshot, fetchSnapshot } from '../infra/features/snapshot.ts';
import type { CompiledView } from '../infra/features/view-types.ts';
import { compileViews, schemaFor } from '../infra/features/views.ts';
import { digestOfJson } from '../infra/objects/digest.ts';
import { type Duck, withDuckDb } from '../infra/tabular/duckdb.ts';
import type { RunRef } from '../workflows/run-ref.ts';
import { findComingFeatures, findServedFeatures } from './champion-features.ts';
import type { CpuDeps, OnlineFeatureRow, PipelineSpec } from './deps.ts';
import { readSpec } from './ingest.ts';
import { nullIfOutdated } from './outdated.ts';
import type { StepContext } from './step-context.ts';

type Deps = Pick<
  CpuDeps,
  'ledger' | 'definitions' | 'deployments' | 'registry' | 'content' | 'scratch' | 'limits' | 'onlineFeatures'
>;
/** Without a feature set only for what serves. */
type Input = RunRef & { readonly snapshotSha256: Sha256; readonly featureSetSha256: Sha256 | null };

/** A view that a version looks up, and how the definition of that version says it is computed. */
type WantedView = {
  readonly served: ServedView;
  readonly spec: ViewSpec;
  readonly label: PipelineSpec['data']['label'];
  /** Of the candidate of this run, without whose values the step has failed. */
  readonly isOwn: boolean;
};
/** By the name that the values are published under. */
type Wanted = ReadonlyMap<string, WantedView>;
type Work = { readonly deps: Deps; readonly input: Input; readonly wanted: Wanted; readonly context: StepContext | undefined };

const viewsOf = (featureSet: FeatureSet, { features, data }: PipelineSpec, isOwn: boolean): [string, WantedView][] =>
  featureSet.views.flatMap((served) => {
    const spec = features.views[served.name];
    return spec === undefined ? [] : [[publishedName(served), { served, spec, label: data.label, isOwn }]];
  });

const ownViews = async (deps: Deps, input: Input): Promise<[string, WantedView][]> => {
  if (input.featureSetSha256 === null) return [];
  const featureSet = featureSetSchema.parse(await deps.content.getJson(input.featureSetSha256));
  return viewsOf(featureSet, await readSpec(deps, input), true);
};

/**
 * Until the servers have switched, and after a roll-back, the versions that serve still look up views of their own; and a
 * candidate of another run may have published, and be about to be rolled out. All that is published is of one snapshot.
 */
const wantedViews = async (deps: Deps, input: Input): Promise<Wanted> => {
  const wanted = new Map(await ownViews(deps, input));
  const others = [...(await findServedFeatures(deps, input.pipeline)), ...(await findComingFeatures(deps, input.pipeline))];
  for (const { featureSet: served, definitionSha256 } of others) {
    if (definitionSha256 === null || served.views.every((view) => wanted.has(publishedName(view)))) continue;
    const spec = await readSpec(deps, { definitionSha256 }).catch(nullIfOutdated);
    for (const [name, view] of spec === null ? [] : viewsOf(served, spec, false)) {
      if (!wanted.has(name)) wanted.set(name, view);
    }
  }
  return wanted;
};

/** A view of a version that serves which these data no longer allow must not hold the candidate up: what it has stays. */
const compileWanted = async (
  db: Duck,
  { wanted, context }: Work,
  schema: DatasetSchema,
  sources: string[],
): Promise<CompiledView[]> => {
  const compiled: CompiledView[] = [];
  for (const [published, { served, spec, label, isOwn }] of wanted) {
    const compiling = compileViews(db, { [served.name]: spec }, schemaFor(schema, label), sources);
    const [view] = (await (isOwn ? compiling : compiling.catch(nullIfOutdated))) ?? [];
    // A query that was broken off looks like one that cannot be compiled.
    context?.signal?.throwIfAborted();
    if (view !== undefined) compiled.push({ ...view, name: published });
  }
  return compiled;
};

/**
 * Published names that must stay although this publication does not hold them: of what serves, and of candidates of other
 * runs, which are about to. Asked for at the very end: a rollout may have begun meanwhile.
 */
const neededBeside = async (deps: Deps, { pipeline }: Input, compiled: readonly CompiledView[]): Promise<string[]> => {
  const held = new Set(compiled.map(({ name }) => name));
  const needed = [...(await findServedFeatures(deps, pipeline)), ...(await findComingFeatures(deps, pipeline))];
  const views = needed.flatMap(({ featureSet }) => featureSet.views);
  return views.filter((view) => !held.has(publishedName(view))).flatMap(publishedNames);
};

const write = ({ deps, input, wanted }: Work, views: readonly CompiledView[], rows: AsyncIterable<OnlineFeatureRow>) => {
  const definitions = Object.fromEntries([...wanted].map(([name, { spec, label }]) => [name, { spec, label }]));
  const publication = digestOfJson({ snapshot: input.snapshotSha256, featureSet: input.featureSetSha256, definitions });
  const needed = () => neededBeside(deps, input, views);
  return deps.onlineFeatures.publish(input.pipeline, publication, rows, input.snapshotSha256, needed);
};

const compute = async (work: Work, manifest: DatasetManifest, eventTime: string, watermarkMs: number): Promise<number> => {
  const { deps, context } = work;
  const files = await fetchSnapshot(manifest, deps.content);
  return deps.scratch.withFolder('publish', (folder) =>
    withDuckDb({ folder, ...deps.limits, allowedFolders: allFiles(files), signal: context?.signal }, async (db) => {
      await attachSnapshot(db, files);
      const sources = [...files.further.keys()];
      const views = await compileWanted(db, work, manifest.schema, sources);
      context?.heartbeat({ stage: 'publish', views: views.length });
      return write(work, views, newestValues(db, views, { schema: manifest.schema, eventTime, watermarkMs, sources }));
    }),
  );
};

const publish = async (deps: Deps, input: Input, context: StepContext | undefined): Promise<{ readonly rows: number }> => {
  const wanted = await wantedViews(deps, input);
  const work: Work = { deps, input, wanted, context };
  const manifest = await readManifest(deps.content, input.snapshotSha256);
  const { eventTime } = manifest.schema;
  if (wanted.size === 0 || eventTime === null || manifest.eventTime === null) return { rows: await write(work, [], nothing()) };
  return { rows: await compute(work, manifest, eventTime, Date.parse(manifest.eventTime.last)) };
};

/** A training takes its time: what arrived meanwhile was published after the snapshot of this run, and must not grow old again. */
const publishedSince = async ({ onlineFeatures }: Deps, { pipeline, snapshotSha256 }: Input): Promise<Sha256 | null> => {
  const [newest, ...before] = await onlineFeatures.history(pipeline);
  const isOlder = newest?.snapshotSha256 !== snapshotSha256 && before.some((one) => one.snapshotSha256 === snapshotSha256);
  return isOlder ? (newest?.snapshotSha256 ?? null) : null;
};

const nullIfUnfit = (error: unknown): null => {
  if (error instanceof PerennialError && error.code === 'PRN_NOT_FOUND') return null;
  return nullIfOutdated(error);
};

/**
 * The step `publishFeatures`; see the port. Publishes for the candidate of this run, the champion, and the candidate of a
 * rollout that runs. A publication is named by snapshot and views: the same twice changes nothing. Where newer data were
 * published since this run's, and have the candidate's views, it is computed from those.
 */
export const createPublish =
  (deps: Deps) =>
  async (input: Input & { readonly featureSetSha256: Sha256 }, context?: StepContext): Promise<{ readonly rows: number }> => {
    const newer = await publishedSince(deps, input);
    const published =
      newer === null ? null : await publish(deps, { ...input, snapshotSha256: newer }, context).catch(nullIfUnfit);
    return published ?? publish(deps, input, context);
  };

/** The step `publishServed`; see the port. A run of a definition of its own may have read other sources: it publishes nothing. */
export const createPublishServed =
  (deps: Deps) =>
  async (input: Omit<Input, 'featureSetSha256'>, context?: StepContext): Promise<{ readonly rows: number }> => {
    const [served, current] = [await findServedFeatures(deps, input.pipeline), await deps.definitions.current(input.pipeline)];
    if (current?.sha256 !== input.definitionSha256) return { rows: 0 };
    if (served.every(({ featureSet }) => featureSet.views.length === 0)) return { rows: 0 };
    return publish(deps, { ...input, featureSetSha256: null }, context);
  };

async function* nothing(): AsyncGenerator<never> {}
