/** What `perennial run` does before it starts a run, for a watch that decided to. */
import type { RetrainRequest } from '#domain/contracts/retrain.ts';
import { PerennialError } from '#domain/errors.ts';
import { buildRequest } from '../../infra/runs/build-request.ts';
import { parseStoredDefinition } from '../../infra/schemas/stored-definition.ts';
import { retrainWorkflowId } from '../../workflows/names.ts';
import type { PreparedRetrain, PrepareRetrainInput } from '../../workflows/watch-steps.ts';
import type { CpuDeps } from '../deps.ts';
import { requireAwake } from './require-awake.ts';

export type PrepareDeps = Pick<CpuDeps, 'definitions' | 'content' | 'watch'>;

/** What a run on the sources as they are now would be. Throws PRN_SOURCE_MISSING, PRN_DEFINITION_UNKNOWN. */
export const requestOf = async (deps: PrepareDeps, { pipeline, by, reason }: PrepareRetrainInput): Promise<RetrainRequest> => {
  const current = await deps.definitions.current(pipeline);
  if (current === null)
    throw new PerennialError(
      'PRN_DEFINITION_UNKNOWN',
      `Cannot retrain "${pipeline}" as its definition must have been applied: it has none`,
    );
  const spec = parseStoredDefinition(current.file, `retrain "${pipeline}"`);
  const definition = { sha256: current.sha256, codeVersion: current.codeVersion, folder: current.folder ?? '.', spec };
  const trigger = { kind: 'watch', by, reason } as const;
  return buildRequest({ ...deps.watch.sources, content: deps.content }, definition, { pipeline, trigger });
};

/** A run that failed may begin again under its key; one that ended otherwise would only end so again. */
export const createPrepareRetrain =
  (deps: PrepareDeps) =>
  async (input: PrepareRetrainInput): Promise<PreparedRetrain> => {
    await requireAwake(deps.watch, input.pipeline);
    const request = await requestOf(deps, input);
    const workflowId = retrainWorkflowId(request.pipeline, request.runKey);
    const known = await deps.watch.findRun(request.runKey);
    if (known?.outcome == null || known.outcome === 'failed') return { kind: 'new', workflowId, request };
    return { kind: 'same', workflowId, runKey: request.runKey, outcome: known.outcome };
  };
