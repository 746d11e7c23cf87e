/** The only door for unparsed values: the workflow's input and the definition that it names. */

import { z } from 'zod';
import { type RetrainPlan, type RetrainRequest, retrainRequestSchema } from '#domain/contracts/retrain.ts';
import { PerennialError } from '#domain/errors.ts';
import { dayMs, minuteMs } from '#domain/units.ts';
import { parseStoredDefinition } from '../infra/schemas/stored-definition.ts';
import { checkTrainerName } from '../infra/trainer/find-trainer.ts';
import { retrainWorkflowId } from '../workflows/names.ts';
import type { CpuDeps, PipelineSpec } from './deps.ts';

/**
 * How long a run waits for a worker that takes its training. Shorter, and a GPU machine that is away for a night
 * ends runs; longer, and data that nobody wants any more is still waiting.
 */
const gpuWaitMs = dayMs;

/**
 * How long servers have to follow a promotion. Shorter, and a large model that is still loading counts as refused;
 * longer, and a champion that nobody serves is called one for longer.
 */
const confirmWithinMs = 2 * minuteMs;

const parseRequest = (input: unknown): RetrainRequest => {
  const parsed = retrainRequestSchema.safeParse(input);
  if (parsed.success) return parsed.data;
  throw new PerennialError('PRN_INPUT_INVALID', `Cannot start a run from this input: ${z.prettifyError(parsed.error)}`);
};

const readSpec = async (deps: Pick<CpuDeps, 'definitions'>, request: RetrainRequest): Promise<PipelineSpec> => {
  const { definitionSha256, pipeline } = request;
  const definition = await deps.definitions.find(definitionSha256);
  if (definition === null || definition.pipeline !== pipeline) {
    throw new PerennialError(
      'PRN_DEFINITION_UNKNOWN',
      `Cannot run "${pipeline}" as its definition must have been applied: "${definitionSha256}" ${
        definition === null ? 'is unknown' : `belongs to "${definition.pipeline}"`
      }`,
    );
  }
  const spec = parseStoredDefinition(definition.file, `run "${pipeline}"`);
  checkTrainerName(spec.training.trainer, definition.folder ?? null);
  return spec;
};

export const createAdmitRetrain =
  (deps: Pick<CpuDeps, 'definitions' | 'runs'>) =>
  async (input: unknown): Promise<RetrainPlan> => {
    const request = parseRequest(input);
    const spec = await readSpec(deps, request);
    await deps.runs.begin(request, retrainWorkflowId(request.pipeline, request.runKey));
    return {
      ...request,
      trainer: spec.training.trainer,
      trainTimeoutMs: spec.training.resources.timeout,
      gpuWaitMs,
      approvalWithinMs: spec.gate.approval === 'none' ? null : spec.gate.approval.within,
      confirmWithinMs,
    };
  };
