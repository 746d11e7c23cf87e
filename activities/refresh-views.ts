import type { RetrainRequest } from '#domain/contracts/retrain.ts';
import { acceptData } from '#domain/decide/accept-data.ts';
import type { PipelineName } from '#domain/units.ts';
import type { RefreshOutcome } from '../workflows/publish-steps.ts';
import { findServedFeatures } from './champion-features.ts';
import type { CpuDeps } from './deps.ts';
import { createFreeze } from './freeze.ts';
import { createIngest } from './ingest.ts';
import { createPublishServed } from './publish.ts';
import type { StepContext } from './step-context.ts';
import { createValidate } from './validate.ts';
import { requestOf } from './watch/prepare-retrain.ts';

/** The steps of a run up to the snapshot, each with its own key: what a run did before is not done again. */
const publishFrom = async (deps: CpuDeps, request: RetrainRequest, context: StepContext): Promise<RefreshOutcome> => {
  const { pipeline, runKey, definitionSha256, listingSha256 } = request;
  const ref = { pipeline, runKey, definitionSha256 };
  const { batchSha256 } = await createIngest(deps)({ ...ref, listingSha256, cutoff: null }, context);
  const report = await createValidate(deps)({ ...ref, batchSha256 }, context);
  const { outcome, reason } = acceptData(report);
  if (outcome !== 'pass') return { kind: 'refused', reason };
  const { reportSha256 } = report;
  const { snapshotSha256 } = await createFreeze(deps)({ ...ref, batchSha256, reportSha256, cutoff: null }, context);
  return { kind: 'published', snapshotSha256, ...(await createPublishServed(deps)({ ...ref, snapshotSha256 }, context)) };
};

/** The step `refreshViews`; see the port. Nothing is collected as garbage meanwhile. */
export const createRefreshViews =
  (deps: CpuDeps) =>
  async ({ pipeline }: { readonly pipeline: PipelineName }, context: StepContext): Promise<RefreshOutcome> => {
    const served = await findServedFeatures(deps, pipeline);
    if (served.every(({ featureSet }) => featureSet.views.length === 0))
      return { kind: 'nothing', reason: 'No version that serves looks up a view' };
    if ((await deps.definitions.current(pipeline)) === null)
      return { kind: 'nothing', reason: 'No definition of the pipeline is applied' };
    const why = { pipeline, by: 'refresh-views', reason: 'data arrived' };
    return deps.besideCollection(async () => publishFrom(deps, await requestOf(deps, why), context));
  };
