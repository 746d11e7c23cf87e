import type { DeployedModel } from '#domain/contracts/model-version.ts';
import type { Instant, PipelineName } from '#domain/units.ts';
import { withDeadline } from './deadline.ts';
import type { LoaderDeps } from './deps.ts';
import type { OnlineCopy } from './online-copy.ts';
import { createOnlineFollower, type OnlineFollower } from './online-follower.ts';
import type { ServedModel } from './served-model.ts';
import { modelsOf, type Serving } from './serving.ts';
import { createSlot, type Slot } from './slot.ts';
import { createWaker } from './waker.ts';

export type ModelLoader = {
  current(pipeline: string): Serving | null;
  online(pipeline: string): OnlineCopy;
  /** Pipelines that have a model in memory, by name. */
  serving(): readonly Serving[];
  isKnown(pipeline: string): boolean;
  /** It may be served in a moment: a model is deployed and not in memory yet, or deployments were not read so far. */
  isAwaited(pipeline: string): boolean;
  /** Why the server isn't ready; empty where it is. */
  notReady(): readonly string[];
  start(): void;
  stop(): Promise<void>;
};

/** Notifications bring changes at once; a poll a second bounds what a lost one costs, at a few queries of one row each. */
const defaultPollMs = 1_000;
/** Longer than any healthy answer; a database that is frozen rather than down must not silence the heartbeat for ever. */
const askTimeoutMs = 5_000;
/** A server that stops waits no longer than this for a database that may be gone. */
const goodbyeTimeoutMs = 1_000;

class FollowingLoader implements ModelLoader {
  readonly #deps: LoaderDeps;
  readonly #online: OnlineFollower;
  readonly #slots = new Map<string, Slot>();
  /** Generation that was reported last, by pipeline. */
  readonly #reported = new Map<PipelineName, number>();
  readonly #waker = createWaker();
  /** Monotonic instant of the last look that succeeded. */
  #lastReadAt: number | null = null;
  #isReachable = true;
  #listener: { close(): Promise<void> } | null = null;
  #running: Promise<void> | null = null;
  #isStopped = false;

  constructor(deps: LoaderDeps) {
    this.#deps = deps;
    this.#online = createOnlineFollower(deps);
    deps.metrics.beforeExposition(() => this.#showInMetrics());
  }

  current(pipeline: string): Serving | null {
    return this.#slots.get(pipeline)?.current() ?? null;
  }

  online(pipeline: string): OnlineCopy {
    return this.#online.current(pipeline);
  }

  serving(): readonly Serving[] {
    return [...this.#slots.values()].flatMap((slot) => slot.current() ?? []).toSorted(byPipeline);
  }

  isKnown(pipeline: string): boolean {
    return this.#slots.has(pipeline);
  }

  isAwaited(pipeline: string): boolean {
    return this.#lastReadAt === null || this.#slots.get(pipeline)?.ready() === false;
  }

  notReady(): readonly string[] {
    if (this.#isStopped) return ['Server is stopping'];
    if (this.#lastReadAt === null) return ['Deployments have not been read yet'];
    const waiting = [...this.#slots.values()].filter((slot) => !slot.ready());
    return waiting.map((slot) => `No model in memory for "${slot.pipeline}": ${slot.status().reason ?? 'loading'}`);
  }

  start(): void {
    this.#listener ??= this.#deps.deployments.listen(this.#waker.wake);
    this.#running ??= this.#follow();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#waker.wake();
    await Promise.all([this.#running, this.#listener?.close()]);
    await this.#sayGoodbye();
    await Promise.all([...this.#slots.values()].map((slot) => slot.close()));
  }

  async #follow(): Promise<void> {
    while (!this.#isStopped) {
      try {
        await this.#look();
        this.#sayReachable(true);
      } catch (error) {
        this.#sayReachable(false, error);
      }
      await this.#waker.sleep(this.#deps.pollMs ?? defaultPollMs);
    }
  }

  /** One look at what is wanted, one heartbeat of what is. */
  async #look(): Promise<void> {
    const { deployments } = this.#deps;
    for (const deployment of await withDeadline(askTimeoutMs, 'list deployments', deployments.followed())) {
      this.#slotOf(deployment.pipeline).want(deployment);
    }
    this.#lastReadAt = performance.now();
    const all = [...this.#slots.values()];
    await Promise.all(all.map((slot) => withDeadline(askTimeoutMs, 'report to the database', this.#report(slot))));
    await Promise.all(all.filter(usesViews).map((slot) => this.#online.follow(slot.pipeline)));
  }

  #slotOf(pipeline: PipelineName): Slot {
    const known = this.#slots.get(pipeline);
    if (known !== undefined) return known;
    const { log, metrics } = this.#deps;
    const load = (wanted: DeployedModel) => this.#load(pipeline, wanted);
    const slot = createSlot({ pipeline, load, onChange: this.#waker.wake, log, metrics, now: () => performance.now() });
    this.#slots.set(pipeline, slot);
    return slot;
  }

  async #load(pipeline: PipelineName, wanted: DeployedModel): Promise<ServedModel> {
    const model = await this.#deps.load(pipeline, wanted);
    if (model.featureSet.views.length === 0) return model;
    try {
      // Before the swap, or the first answers would be imputed throughout.
      await this.#online.follow(pipeline);
      return model;
    } catch (error) {
      await model.retire();
      throw error;
    }
  }

  /** Whoever sees a new generation reported finds the counters of those before it whole. */
  async #report(slot: Slot): Promise<void> {
    // Once: what is reported is the generation whose counters were asked for, also where the next one comes meanwhile.
    const status = slot.status();
    const { generation } = status;
    if (this.#reported.get(slot.pipeline) !== generation) await this.#deps.beforeReport(slot.pipeline, generation);
    this.#reported.set(slot.pipeline, generation);
    const reportedAt = new Date().toISOString() as Instant;
    await this.#deps.deployments.report({
      serverId: this.#deps.serverId(),
      pipeline: slot.pipeline,
      ...status,
      reportedAt,
    });
  }

  /** Best effort: while the database is away, the age of the reports says the same. */
  async #sayGoodbye(): Promise<void> {
    const { deployments, serverId } = this.#deps;
    await withDeadline(goodbyeTimeoutMs, 'take reports back', deployments.forgetServer(serverId())).catch(() => {});
  }

  #sayReachable(isReachable: boolean, err?: unknown): void {
    if (isReachable === this.#isReachable) return;
    this.#isReachable = isReachable;
    if (isReachable) this.#deps.log.info('Database answers again');
    else this.#deps.log.warn({ err }, 'Cannot follow deployments: the last good models keep serving');
  }

  #showInMetrics(): void {
    const { metrics } = this.#deps;
    const isFresh = this.#isReachable && this.#lastReadAt !== null;
    const seconds = this.#lastReadAt === null ? process.uptime() : (performance.now() - this.#lastReadAt) / 1000;
    metrics.set('perennial_deployments_unreachable_seconds', {}, isFresh ? 0 : seconds);
    metrics.set('perennial_serving_ready', {}, this.notReady().length === 0 ? 1 : 0);
  }
}

const byPipeline = (left: Serving, right: Serving): number => (left.pipeline < right.pipeline ? -1 : 1);
const usesViews = (slot: Slot): boolean => modelsOf(slot.current()).some(({ featureSet }) => featureSet.views.length > 0);

/**
 * Follows the deployments in the database: for each pipeline a slot that converges to what is wanted. Reports what each
 * slot does as a heartbeat. While database or store are away the last good models keep answering.
 */
export const createModelLoader = (deps: LoaderDeps): ModelLoader => new FollowingLoader(deps);
