import type { DeployedModel } from '#domain/contracts/model-version.ts';
import { type ErrorCode, errorRegistry, PerennialError } from '#domain/errors.ts';
import type { PipelineName, Ratio, Sha256 } from '#domain/units.ts';
import type { FollowedDeployment } from '../../infra/postgres/deployments.ts';
import type { Logger } from '../../infra/telemetry/logger.ts';
import type { Metrics } from '../../infra/telemetry/metrics.ts';
import type { ServedModel } from './served-model.ts';
import { modelsOf, namesOf, type Serving, servingOf, showInMetrics } from './serving.ts';

export type SlotStatus = {
  readonly generation: number;
  readonly modelSha256: Sha256 | null;
  readonly candidateSha256: Sha256 | null;
  /** Share of the candidate that is applied; 0 without one. */
  readonly share: number;
  readonly state: 'loading' | 'serving' | 'refused';
  readonly reason: string | null;
};

/**
 * The place of one pipeline in memory. Loads one model at a time beside those that serve, and swaps by one assignment; a
 * model that stays, or that only changes its arm, is not loaded again.
 *
 * - loading: a wanted model is being fetched, or trouble that may pass holds it up; what was before it serves.
 * - serving: what is wanted is in place.
 * - refused: what is wanted can't be served. Without a champion, what was before it serves on; without a candidate, the
 *   champion answers everything. Tried again ever more rarely, as a store may be mended.
 */
export type Slot = {
  readonly pipeline: PipelineName;
  current(): Serving | null;
  status(): SlotStatus;
  /** False while a champion is deployed and no model is in memory. */
  ready(): boolean;
  /** Takes note of what should be served; starts a load where that is another model, or where a retry is due. */
  want(deployment: FollowedDeployment): void;
  close(): Promise<void>;
};

type SlotDeps = {
  readonly pipeline: PipelineName;
  readonly load: (model: DeployedModel) => Promise<ServedModel>;
  readonly onChange: () => void;
  readonly log: Logger;
  readonly metrics: Metrics;
  /** Monotonic milliseconds. */
  readonly now: () => number;
};

/** Shorter hammers a store that is down, longer keeps a mended one waiting. Doubles from the first to the last. */
const firstRetryMs = 500;
const lastRetryMs = 30_000;

const nothingServed: SlotStatus = {
  generation: 0,
  modelSha256: null,
  candidateSha256: null,
  share: 0,
  state: 'loading',
  reason: null,
};

class PipelineSlot implements Slot {
  readonly pipeline: PipelineName;
  readonly #deps: SlotDeps;
  #current: Serving | null = null;
  #wanted: FollowedDeployment | null = null;
  #status: SlotStatus = nothingServed;
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

  want(deployment: FollowedDeployment): void {
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
    this.#capture(deployment.captured);
    if (this.#loading !== null || this.#isInPlace(this.#wanted) || this.#deps.now() < this.#retryAt) return;
    this.#converge(this.#wanted);
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#loading;
    const last = modelsOf(this.#current);
    this.#current = null;
    await Promise.all(last.map((model) => model.retire()));
  }

  /** How much is logged is no matter of generations: a file that is applied changes nobody's model. */
  #capture(captured: Ratio): void {
    if (this.#current !== null && this.#current.captured !== captured) this.#current = { ...this.#current, captured };
  }

  /** A generation names all there is to want; without its candidate only the champion is in place. */
  #isInPlace({ generation }: FollowedDeployment): boolean {
    return this.#status.state === 'serving' && this.#status.generation === generation;
  }

  #converge(deployment: FollowedDeployment): void {
    const { champion, rollout } = deployment;
    if (champion === null) return this.#put(deployment, null);
    const inMemory = this.#find(champion);
    const candidate = rollout === null ? null : this.#find(rollout.candidate);
    if (inMemory !== null && (rollout === null || candidate !== null)) {
      return this.#put(deployment, servingOf(deployment, champion, inMemory, candidate));
    }
    // A retry keeps the reason of the failure before it, so that a report never says less than is known.
    if (this.#failures === 0) this.#say(deployment.generation, 'loading', null);
    this.#loading = this.#loadAll(deployment, champion).finally(() => {
      this.#loading = null;
      if (!this.#closed && this.#wanted !== null && this.#wanted !== deployment) this.#converge(this.#wanted);
    });
    return undefined;
  }

  /** A model that is in memory already, whichever arm it is. */
  #find({ modelSha256, profileSha256 }: DeployedModel): ServedModel | null {
    const isMeant = (model: ServedModel): boolean =>
      model.modelSha256 === modelSha256 && (model.profile?.sha256 ?? null) === profileSha256;
    return modelsOf(this.#current).find(isMeant) ?? null;
  }

  /** The champion, then the candidate. Until that is there, and where it cannot be, the champion answers everything. */
  async #loadAll(deployment: FollowedDeployment, champion: DeployedModel): Promise<void> {
    const { generation, rollout } = deployment;
    const model = await this.#loadOne(deployment, champion);
    if (model === null) return;
    const known = rollout === null ? null : this.#find(rollout.candidate);
    if (rollout === null || known !== null) return this.#put(deployment, servingOf(deployment, champion, model, known));
    if (this.#current?.generation !== generation) {
      this.#swap(servingOf(deployment, champion, model, null));
      this.#say(generation, 'loading', null);
    }
    const candidate = await this.#loadOne(deployment, rollout.candidate);
    if (candidate !== null) this.#put(deployment, servingOf(deployment, champion, model, candidate));
  }

  /** The model, from memory or loaded; null where it failed, which is said, or where it is no longer wanted. */
  async #loadOne(deployment: FollowedDeployment, wanted: DeployedModel): Promise<ServedModel | null> {
    const { pipeline } = this;
    const { load, metrics, now } = this.#deps;
    const started = now();
    try {
      const model = this.#find(wanted) ?? (await load(wanted));
      // Another deployment may have been asked for meanwhile: what is no longer wanted is never put in place.
      if (this.#closed || this.#wanted !== deployment) {
        await this.#retireUnused(model);
        return null;
      }
      if (this.#find(wanted) === null) {
        metrics.observe('perennial_model_load_seconds', { pipeline }, (now() - started) / 1000);
        metrics.count('perennial_model_loads_total', { pipeline });
      }
      return model;
    } catch (error) {
      if (!this.#closed && this.#wanted === deployment) this.#fail(deployment, error);
      return null;
    }
  }

  async #retireUnused(model: ServedModel): Promise<void> {
    if (!modelsOf(this.#current).includes(model)) await model.retire();
  }

  #put({ generation }: FollowedDeployment, next: Serving | null): void {
    this.#failures = 0;
    this.#swap(next);
    this.#deps.metrics.set('perennial_model_generation', { pipeline: this.pipeline }, generation);
    this.#say(generation, 'serving', null);
  }

  /** One assignment. A model that is no longer served answers what it began, then frees itself. */
  #swap(next: Serving | null): void {
    const { pipeline } = this;
    const { log, metrics } = this.#deps;
    const previous = this.#current;
    this.#current = next;
    showInMetrics(metrics, pipeline, next);
    log.info({ pipeline, ...namesOf(next) }, 'Serving model');
    const kept = modelsOf(next);
    for (const model of modelsOf(previous)) {
      if (kept.includes(model)) continue;
      model.retire().catch((err: unknown) => log.error({ pipeline, err }, 'Cannot free the memory of a model'));
    }
  }

  #fail({ generation }: FollowedDeployment, error: unknown): void {
    const { pipeline } = this;
    const { code, message } = failureOf(error);
    this.#failures += 1;
    this.#retryAt = this.#deps.now() + Math.min(lastRetryMs, firstRetryMs * 2 ** (this.#failures - 1));
    this.#deps.metrics.count('perennial_model_load_failures_total', { pipeline, code });
    this.#deps.log.error({ pipeline, generation, code, err: error }, message);
    this.#say(generation, errorRegistry[code].retry === 'final' ? 'refused' : 'loading', message);
  }

  /** Counted at every look, said once: only an operator who restored a database can mend it. */
  #refuseLower({ generation }: FollowedDeployment, known: FollowedDeployment): void {
    const { pipeline } = this;
    this.#deps.metrics.count('perennial_generations_refused_total', { pipeline });
    if (this.#warnedOf === generation) return;
    this.#warnedOf = generation;
    this.#deps.log.warn({ pipeline, generation, known: known.generation }, 'Refused a lower generation');
  }

  /** The one place that changes what is reported. */
  #say(generation: number, state: SlotStatus['state'], reason: string | null): void {
    const { model, rollout } = this.#current ?? { model: null, rollout: null };
    this.#status = {
      generation,
      modelSha256: model?.modelSha256 ?? null,
      candidateSha256: rollout?.candidate.model.modelSha256 ?? null,
      share: rollout?.share ?? 0,
      state,
      reason,
    };
    this.#deps.onChange();
  }
}

export const createSlot = (deps: SlotDeps): Slot => new PipelineSlot(deps);

/** What we did not foresee while a model was opened counts as refused: the same bytes would fail again. */
const failureOf = (error: unknown): { code: ErrorCode; message: string } => {
  if (error instanceof PerennialError) return { code: error.code, message: error.message };
  return { code: 'PRN_MODEL_REFUSED', message: `Cannot load model: ${error instanceof Error ? error.message : String(error)}` };
};
