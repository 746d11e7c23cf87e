import type { Deployment } from '#domain/contracts/model-version.ts';
import { type ErrorCode, errorRegistry, PerennialError } from '#domain/errors.ts';
import type { PipelineName, Sha256, VersionNumber } from '#domain/units.ts';
import type { Logger } from '../../infra/telemetry/logger.ts';
import type { Metrics } from '../../infra/telemetry/metrics.ts';
import type { ServedModel } from './served-model.ts';

/** What answers a pipeline's requests now. A request takes this pointer once, so that its answer is of one model. */
export type Serving = {
  readonly pipeline: PipelineName;
  readonly generation: number;
  readonly version: VersionNumber;
  readonly model: ServedModel;
};

export type SlotStatus = {
  readonly generation: number;
  readonly modelSha256: Sha256 | null;
  readonly state: 'loading' | 'serving' | 'refused';
  readonly reason: string | null;
};

/**
 * The place of one pipeline in memory. Loads one model at a time beside the one that serves, and swaps by one assignment.
 *
 * - loading: a wanted model is being fetched, or trouble that may pass holds it up; the one before it serves.
 * - serving: what is wanted is in place.
 * - refused: what is wanted can't be served; the one before it serves. Tried again ever more rarely, as a store may be mended.
 */
export type Slot = {
  readonly pipeline: PipelineName;
  current(): Serving | null;
  status(): SlotStatus;
  /** False while a champion is deployed and no model is in memory. */
  ready(): boolean;
  /** Takes note of what should be served; starts a load where that is another model, or where a retry is due. */
  want(deployment: Deployment): void;
  close(): Promise<void>;
};

type SlotDeps = {
  readonly pipeline: PipelineName;
  readonly load: (modelSha256: Sha256) => Promise<ServedModel>;
  readonly onChange: () => void;
  readonly log: Logger;
  readonly metrics: Metrics;
  /** Monotonic milliseconds. */
  readonly now: () => number;
};

/** Shorter hammers a store that is down, longer keeps a mended one waiting. Doubles from the first to the last. */
const firstRetryMs = 500;
const lastRetryMs = 30_000;

export const createSlot = (deps: SlotDeps): Slot => {
  const { pipeline, load, onChange, log, metrics, now } = deps;
  let current: Serving | null = null;
  let wanted: Deployment | null = null;
  let status: SlotStatus = { generation: 0, modelSha256: null, state: 'loading', reason: null };
  let loading: Promise<void> | null = null;
  let failures = 0;
  let retryAt = 0;
  let closed = false;
  let lowest: number | null = null;

  const isInPlace = (deployment: Deployment): boolean =>
    status.state === 'serving' &&
    status.generation === deployment.generation &&
    status.modelSha256 === (deployment.champion?.modelSha256 ?? null);

  const put = (deployment: Deployment, next: Serving | null): void => {
    const previous = current;
    current = next;
    failures = 0;
    const modelSha256 = next?.model.modelSha256 ?? null;
    status = { generation: deployment.generation, modelSha256, state: 'serving', reason: null };
    showInMetrics(metrics, pipeline, deployment.generation, next);
    log.info({ pipeline, generation: deployment.generation, version: next?.version, modelSha256 }, 'Serving model');
    if (previous !== null && previous.model !== next?.model) retire(previous);
    onChange();
  };

  const retire = (previous: Serving): void => {
    previous.model.retire().catch((err: unknown) => log.error({ pipeline, err }, 'Cannot free the memory of a model'));
  };

  const fail = (deployment: Deployment, error: unknown): void => {
    const { code, message } = failureOf(error);
    failures += 1;
    retryAt = now() + Math.min(lastRetryMs, firstRetryMs * 2 ** (failures - 1));
    const state = errorRegistry[code].retry === 'final' ? 'refused' : 'loading';
    status = { generation: deployment.generation, modelSha256: current?.model.modelSha256 ?? null, state, reason: message };
    metrics.count('perennial_model_load_failures_total', { pipeline, code });
    log.error({ pipeline, generation: deployment.generation, code, err: error }, message);
    onChange();
  };

  /** Counted at every look, said once: only an operator who restored a database can mend it. */
  const refuseLower = (deployment: Deployment, known: Deployment): void => {
    metrics.count('perennial_generations_refused_total', { pipeline });
    if (lowest === deployment.generation) return;
    lowest = deployment.generation;
    log.warn({ pipeline, generation: deployment.generation, known: known.generation }, 'Refused a lower generation');
  };

  const loadWanted = async (deployment: Deployment, champion: NonNullable<Deployment['champion']>): Promise<void> => {
    const started = now();
    try {
      const model = await load(champion.modelSha256);
      // Another deployment may have been asked for meanwhile: what is no longer wanted is never put in place.
      if (closed || wanted !== deployment) return await model.retire();
      metrics.observe('perennial_model_load_seconds', { pipeline }, (now() - started) / 1000);
      metrics.count('perennial_model_loads_total', { pipeline });
      put(deployment, { pipeline, generation: deployment.generation, version: champion.version, model });
    } catch (error) {
      if (!closed && wanted === deployment) fail(deployment, error);
    }
  };

  const converge = (deployment: Deployment): void => {
    const { champion } = deployment;
    if (champion === null) return put(deployment, null);
    if (current?.model.modelSha256 === champion.modelSha256) {
      return put(deployment, { ...current, generation: deployment.generation, version: champion.version });
    }
    if (failures === 0) {
      status = {
        generation: deployment.generation,
        modelSha256: current?.model.modelSha256 ?? null,
        state: 'loading',
        reason: null,
      };
    }
    loading = loadWanted(deployment, champion).finally(() => {
      loading = null;
      if (!closed && wanted !== null && wanted !== deployment) converge(wanted);
    });
  };

  return {
    pipeline,
    current: () => current,
    status: () => status,
    ready: () => current !== null || (wanted !== null && wanted.champion === null),
    want: (deployment) => {
      if (wanted !== null && deployment.generation < wanted.generation) return refuseLower(deployment, wanted);
      if (wanted === null || deployment.generation > wanted.generation) {
        wanted = deployment;
        failures = 0;
        retryAt = 0;
      }
      if (closed || loading !== null || isInPlace(wanted) || now() < retryAt) return;
      converge(wanted);
    },
    close: async () => {
      closed = true;
      await loading;
      await current?.model.retire();
      current = null;
    },
  };
};

/** What we did not foresee while a model was opened counts as refused: the same bytes would fail again. */
const failureOf = (error: unknown): { code: ErrorCode; message: string } => {
  if (error instanceof PerennialError) return { code: error.code, message: error.message };
  return { code: 'PRN_MODEL_REFUSED', message: `Cannot load model: ${error instanceof Error ? error.message : String(error)}` };
};

const showInMetrics = (metrics: Metrics, pipeline: PipelineName, generation: number, serving: Serving | null): void => {
  metrics.forget('perennial_model_info', { pipeline });
  metrics.set('perennial_model_generation', { pipeline }, generation);
  metrics.set('perennial_model_swapped_timestamp_seconds', { pipeline }, Date.now() / 1000);
  if (serving === null) return;
  const { version, model } = serving;
  metrics.set('perennial_model_info', { pipeline, version, model_sha256: model.modelSha256 }, 1);
};
