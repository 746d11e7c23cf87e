import type { Sha256 } from '#domain/units.ts';
import { readManifest } from '../infra/data/manifest.ts';
import { buildFrame } from '../infra/features/frame.ts';
import type { ExtraView } from '../infra/features/prepare.ts';
import { allFiles, fetchSnapshot } from '../infra/features/snapshot.ts';
import { digestOfJson } from '../infra/objects/digest.ts';
import { withDuckDb } from '../infra/tabular/duckdb.ts';
import type { RunRef } from '../workflows/run-ref.ts';
import type { FeaturesSummary } from '../workflows/steps.ts';
import { type ChampionFeatures, findChampionFeatures } from './champion-features.ts';
import type { CpuDeps, PipelineSpec } from './deps.ts';
import { requireSameLabel } from './evaluation/question.ts';
import { readSpec } from './ingest.ts';
import { rememberStep } from './remember.ts';
import type { StepContext } from './step-context.ts';

type Deps = Pick<CpuDeps, 'ledger' | 'definitions' | 'deployments' | 'registry' | 'content' | 'scratch' | 'limits'>;
/** Part of the ledger's key: raise it whenever the same snapshot would give other bytes. */
const featuresVersion = 2;

type Input = RunRef & { readonly snapshotSha256: Sha256 };

/**
 * Views of the champion that this definition does not declare, so that both can be scored on one hold-out. A view that
 * was declared anew under the same name stands in the hold-out under both meanings: the champion's with "@" and the
 * first digits of its feature set's digest behind its name.
 */
const championViews = (spec: PipelineSpec, champion: ChampionFeatures | null, championSpec: PipelineSpec | null): ExtraView[] => {
  if (champion === null) return [];
  return champion.featureSet.views.flatMap((view): ExtraView[] => {
    const declared = spec.features.views[view.name];
    if (declared === undefined) return [{ view, as: view.name }];
    const before = championSpec?.features.views[view.name];
    const isSame = before !== undefined && JSON.stringify(before) === JSON.stringify(declared);
    return isSame ? [] : [{ view, as: `${view.name}@${champion.featureSetSha256.slice(0, 12)}` }];
  });
};

/**
 * Sums of fractions depend in their last bits on how threads share them out; with one thread, equal data gives equal
 * bytes. Whole numbers and truths do not care.
 */
const threadsFor = (spec: PipelineSpec, fractions: readonly string[], threads: number): number => {
  const texts = Object.values(spec.features.views).flatMap((view) => ('values' in view ? Object.values(view.values) : []));
  return fractions.some((name) => texts.some((text) => text.toLowerCase().includes(name.toLowerCase()))) ? 1 : threads;
};

/** What a frame holds only because the champion needs it to be scored. */
type ForChampion = { readonly extraViews: readonly ExtraView[]; readonly championValues: readonly string[] };

const valuesOf = (champion: ChampionFeatures | null): string[] =>
  champion === null
    ? []
    : champion.featureSet.features
        .flatMap(({ source }) => (source.kind === 'view' ? [`${source.view}.${source.value}`] : []))
        .sort();

const build = async (
  deps: Deps,
  input: Input,
  spec: PipelineSpec,
  { extraViews, championValues }: ForChampion,
  context: StepContext | undefined,
): Promise<FeaturesSummary> => {
  const manifest = await readManifest(deps.content, input.snapshotSha256);
  const files = await fetchSnapshot(manifest, deps.content);
  const fractions = manifest.schema.columns.filter((column) => column.type === 'number').map((column) => column.name);
  const { frame, frameSha256 } = await deps.scratch.withFolder('features', (folder) =>
    withDuckDb(
      {
        folder,
        memoryMiB: deps.limits.memoryMiB,
        threads: threadsFor(spec, fractions, deps.limits.threads),
        allowedFolders: allFiles(files),
        signal: context?.signal,
      },
      (db) =>
        buildFrame(db, {
          manifest,
          snapshotSha256: input.snapshotSha256,
          spec,
          files,
          folder,
          content: deps.content,
          extraViews,
          championValues,
          onStage: (stage, detail) => context?.heartbeat({ stage, ...detail }),
        }),
    ),
  );
  return {
    frameSha256,
    featureSetSha256: frame.featureSetSha256,
    trainRows: frame.train.rows,
    holdoutRows: frame.holdout.rows,
    columns: frame.columns.length,
  };
};

/** The step `buildFeatures`; see the port. Heartbeats with the stage of the work. */
export const createBuildFeatures =
  (deps: Deps) =>
  async (input: Input, context?: StepContext): Promise<FeaturesSummary> => {
    const spec = await readSpec(deps, input);
    const deployed = await deps.deployments.get(input.pipeline);
    if (deployed.champion !== null) await requireSameLabel(deps, input, deployed.champion);
    const champion = await findChampionFeatures(deps, input.pipeline);
    const championSpec =
      champion?.definitionSha256 == null
        ? null
        : await readSpec(deps, { definitionSha256: champion.definitionSha256 }).catch(() => null);
    const forChampion = { extraViews: championViews(spec, champion, championSpec), championValues: valuesOf(champion) };
    const key = digestOfJson({
      step: 'buildFeatures',
      version: featuresVersion,
      snapshot: input.snapshotSha256,
      definition: input.definitionSha256,
      forChampion,
    });
    return rememberStep(
      deps,
      'buildFeatures',
      key,
      (result: FeaturesSummary) => result.frameSha256,
      () => build(deps, input, spec, forChampion, context),
    );
  };
