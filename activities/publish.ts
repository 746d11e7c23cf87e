import { type FeatureSet, featureSetSchema } from '#domain/contracts/feature-set.ts';
import type { Sha256 } from '#domain/units.ts';
import { readManifest } from '../infra/data/manifest.ts';
import { newestValues } from '../infra/features/publish.ts';
import { allFiles, attachSnapshot, fetchSnapshot } from '../infra/features/snapshot.ts';
import type { CompiledView } from '../infra/features/view-types.ts';
import { compileViews } from '../infra/features/views.ts';
import { digestOfJson } from '../infra/objects/digest.ts';
import { withDuckDb } from '../infra/tabular/duckdb.ts';
import type { RunRef } from '../workflows/steps.ts';
import { findChampionFeatures } from './champion-features.ts';
import type { CpuDeps, PipelineSpec } from './deps.ts';
import { readSpec } from './ingest.ts';
import type { StepContext } from './step-context.ts';

type Deps = Pick<
  CpuDeps,
  'ledger' | 'definitions' | 'deployments' | 'registry' | 'content' | 'scratch' | 'limits' | 'onlineFeatures'
>;
type Input = RunRef & { readonly snapshotSha256: Sha256; readonly featureSetSha256: Sha256 };
type ViewSpecs = PipelineSpec['features']['views'];

const pick = (specs: ViewSpecs, names: readonly string[]): ViewSpecs =>
  Object.fromEntries(Object.entries(specs).filter(([name]) => names.includes(name)));

/** Until the servers have switched, and after a roll-back, the champion still looks up views of its own. */
const championSpecs = async (deps: Deps, input: Input, featureSet: FeatureSet): Promise<ViewSpecs> => {
  const champion = await findChampionFeatures(deps, input.pipeline);
  if (champion?.definitionSha256 == null) return {};
  const own = new Set(featureSet.views.map((view) => view.name));
  const names = champion.featureSet.views.map((view) => view.name).filter((name) => !own.has(name));
  if (names.length === 0) return {};
  return pick((await readSpec(deps, { definitionSha256: champion.definitionSha256 })).features.views, names);
};

/** The step `publishFeatures`; see the port. A publication is named by snapshot and views: the same twice changes nothing. */
export const createPublish =
  (deps: Deps) =>
  async (input: Input, context?: StepContext): Promise<{ readonly rows: number }> => {
    const featureSet = featureSetSchema.parse(await deps.content.getJson(input.featureSetSha256));
    const spec = await readSpec(deps, input);
    const specs: ViewSpecs = {
      ...(await championSpecs(deps, input, featureSet)),
      ...pick(
        spec.features.views,
        featureSet.views.map((view) => view.name),
      ),
    };
    const manifest = await readManifest(deps.content, input.snapshotSha256);
    const { eventTime } = manifest.schema;
    const publication = digestOfJson({ snapshot: input.snapshotSha256, featureSet: input.featureSetSha256, views: specs });
    if (Object.keys(specs).length === 0 || eventTime === null || manifest.eventTime === null) {
      return { rows: await deps.onlineFeatures.publish(input.pipeline, publication, nothing(), input.snapshotSha256) };
    }
    const watermarkMs = Date.parse(manifest.eventTime.last);
    const files = await fetchSnapshot(manifest, deps.content);
    const { memoryMiB, threads } = deps.limits;
    return deps.scratch.withFolder('publish', (folder) =>
      withDuckDb({ folder, memoryMiB, threads, allowedFolders: allFiles(files), signal: context?.signal }, async (db) => {
        await attachSnapshot(db, files);
        const sources = [...files.further.keys()];
        const views: CompiledView[] = await compileViews(db, specs, manifest.schema, sources);
        const rows = newestValues(db, views, { schema: manifest.schema, eventTime, watermarkMs, sources });
        context?.heartbeat({ stage: 'publish', views: views.length });
        return { rows: await deps.onlineFeatures.publish(input.pipeline, publication, rows, input.snapshotSha256) };
      }),
    );
  };

async function* nothing(): AsyncGenerator<never> {}
