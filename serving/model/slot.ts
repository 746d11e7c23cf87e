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

class PipelineSlot implements Slot {
  readonly pipeline: PipelineName;
  readonly #deps: SlotDeps;
  #current: Serving | null = null;
  #wanted: Deployment | null = null;
  #status: SlotStatus = { generation: 0, modelSha256: null, state: 'loading', reason: null };
  #loading: Promise<void> | null = null;
  #failures = 0;
  #retryAt = 0;
  #closed = false;
  /** The lower generation that was last warned of. */
  #warnedOf: number | null = null;

  constructor(deps: SlotDeps) {
    this.pipeline = deps.pipeline;
    this.#deps = deps;
  }

  current(): Serving | null {
    return this.#current;
  }

  status(): SlotStatus {
    return this.#status;
  }

  ready(): boolean {
    return this.#current !== null || (this.#wanted !== null && this.#wanted.champion === null);
  }

  want(deployment: Deployment): void {
    if (this.#closed) return;
    if (this.#wanted !== null && deployment.generation < this.#wanted.generation) {
      this.#refuseLower(deployment, this.#wanted);
      return;
    }
    if (this.#wanted === null || deployment.generation > this.#wanted.generation) {
      this.#wanted = deployment;
      this.#failures = 0;
      this.#retryAt = 0;
    }
    if (this.#loading !== null || this.#isInPlace(this.#wanted) || this.#deps.now() < this.#retryAt) return;
    this.#converge(this.#wanted);
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#loading;
    const last = this.#current;
    this.#current = null;
    await last?.model.retire();
  }

  #isInPlace({ generation, champion }: Deployment): boolean {
    const { state, generation: served, modelSha256 } = this.#status;
    return state === 'serving' && served === generation && modelSha256 === (champion?.modelSha256 ?? null);
  }

  #converge(deployment: Deployment): void {
    const { generation, champion } = deployment;
    if (champion === null) return this.#put(deployment, null);
    if (this.#current?.model.modelSha256 === champion.modelSha256) {
      return this.#put(deployment, { ...this.#current, generation, version: champion.version });
    }
    // A retry keeps the reason of the failure before it, so that a report never says less than is known.
    if (this.#failures === 0) this.#say(generation, 'loading', null);
    this.#loading = this.#load(deployment, champion).finally(() => {
      this.#loading = null;
      if (!this.#closed && this.#wanted !== null && this.#wanted !== deployment) this.#converge(this.#wanted);
    });
    return undefined;
  }

  async #load(deployment: Deployment, champion: NonNullable<Deployment['champion']>): Promise<void> {
    const { pipeline } = this;
    const { load, metrics, now } = this.#deps;
    const started = now();
    try {
      const model = await load(champion.modelSha256);
      // Another deployment may have been asked for meanwhile: what is no longer wanted is never put in place.
      if (this.#closed || this.#wanted !== deployment) return await model.retire();
      metrics.observe('perennial_model_load_seconds', { pipeline }, (now() - started) / 1000);
      metrics.count('perennial_model_loads_total', { pipeline });
      this.#put(deployment, { pipeline, generation: deployment.generation, version: champion.version, model });
    } catch (error) {
      if (!this.#closed && this.#wanted === deployment) this.#fail(deployment, error);
    }
    return undefined;
  }

  /** The swap: one assignment. The model before it answers what it began, then frees itself. */
  #put({ generation }: Deployment, next: Serving | null): void {
    const { pipeline } = this;
    const { log, metrics } = this.#deps;
    const previous = this.#current;
    this.#current = next;
    this.#failures = 0;
    showInMetrics(metrics, pipeline, generation, next);
    log.info({ pipeline, generation, version: next?.version, modelSha256: next?.model.modelSha256 }, 'Serving model');
    if (previous !== null && previous.model !== next?.model) {
      previous.model.retire().catch((err: unknown) => log.error({ pipeline, err }, 'Cannot free the memory of a model'));
    }
    this.#say(generation, 'serving', null);
  }

  #fail({ generation }: Deployment, error: unknown): void {
    const { pipeline } = this;
    const { code, message } = failureOf(error);
    this.#failures += 1;
    this.#retryAt = this.#deps.now() + Math.min(lastRetryMs, firstRetryMs * 2 ** (this.#failures - 1));
    this.#deps.metrics.count('perennial_model_load_failures_total', { pipeline, code });
    this.#deps.log.error({ pipeline, generation, code, err: error }, message);
    this.#say(generation, errorRegistry[code].retry === 'final' ? 'refused' : 'loading', message);
  }

  /** Counted at every look, said once: only an operator who restored a database can mend it. */
  #refuseLower({ generation }: Deployment, known: Deployment): void {
    const { pipeline } = this;
    this.#deps.metrics.count('perennial_generations_refused_total', { pipeline });
    if (this.#warnedOf === generation) return;
    this.#warnedOf = generation;
    this.#deps.log.warn({ pipeline, generation, known: known.generation }, 'Refused a lower generation');
  }

  /** The one place that changes what is reported. */
  #say(generation: number, state: SlotStatus['state'], reason: string | null): void {
    this.#status = { generation, modelSha256: this.#current?.model.modelSha256 ?? null, state, reason };
    this.#deps.onChange();
  }
}

export const createSlot = (deps: SlotDeps): Slot => new PipelineSlot(deps);

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
