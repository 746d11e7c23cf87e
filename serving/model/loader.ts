import type { Instant, PipelineName, Sha256 } from '#domain/units.ts';
import { withDeadline } from './deadline.ts';
import type { LoaderDeps } from './deps.ts';
import type { OnlineCopy } from './online-copy.ts';
import { createOnlineFollower } from './online-follower.ts';
import type { ServedModel } from './served-model.ts';
import { createSlot, type Serving, type Slot } from './slot.ts';

export type ModelLoader = {
  current(pipeline: string): Serving | null;
  online(pipeline: string): OnlineCopy;
  /** Pipelines that have a model in memory, by name. */
  serving(): readonly Serving[];
  isKnown(pipeline: string): boolean;
  /** Why the server isn't ready; empty where it is. */
  notReady(): readonly string[];
  start(): void;
  stop(): Promise<void>;
};

/** Notifications bring changes at once; a poll a second bounds what a lost one costs, at a few queries of one row each. */
const defaultPollMs = 1_000;
/** Longer than any healthy answer; a database that is frozen rather than down must not silence the heartbeat for ever. */
const askTimeoutMs = 5_000;

/**
 * Follows the deployments in the database: for each pipeline a slot that converges to what is wanted. Reports what each
 * slot does as a heartbeat. While database or store are away the last good models keep answering.
 */
export const createModelLoader = (deps: LoaderDeps): ModelLoader => {
  const { deployments, metrics, log, pollMs = defaultPollMs } = deps;
  const slots = new Map<string, Slot>();
  const online = createOnlineFollower(deps);
  const waker = createWaker();
  let lastReadAt: number | null = null;
  let reachable = true;
  let listener: { close(): Promise<void> } | null = null;
  let running: Promise<void> | null = null;
  let stopped = false;

  const slotOf = (pipeline: PipelineName): Slot => {
    const known = slots.get(pipeline);
    if (known !== undefined) return known;
    const load = async (modelSha256: Sha256): Promise<ServedModel> => {
      const model = await deps.load(pipeline, modelSha256);
      // Before the swap, or the first answers would be imputed throughout.
      if (model.featureSet.views.length > 0) await online.follow(pipeline);
      return model;
    };
    const slot = createSlot({ pipeline, load, onChange: waker.wake, log, metrics, now: () => performance.now() });
    slots.set(pipeline, slot);
    return slot;
  };

  const report = ({ pipeline, status }: Slot): Promise<void> =>
    deployments.report({
      serverId: deps.serverId(),
      pipeline,
      ...status(),
      reportedAt: new Date().toISOString() as Instant,
    });

  const tick = async (): Promise<void> => {
    for (const deployment of await withDeadline(askTimeoutMs, 'list deployments', deployments.list())) {
      slotOf(deployment.pipeline).want(deployment);
    }
    lastReadAt = performance.now();
    const all = [...slots.values()];
    await Promise.all(all.map((slot) => withDeadline(askTimeoutMs, 'report to the database', report(slot))));
    await Promise.all(all.filter(usesViews).map((slot) => online.follow(slot.pipeline)));
  };

  const sayReachable = (now: boolean, err?: unknown): void => {
    if (now === reachable) return;
    reachable = now;
    if (now) log.info('Database answers again');
    else log.warn({ err }, 'Cannot follow deployments: the last good models keep serving');
  };

  const follow = async (): Promise<void> => {
    while (!stopped) {
      try {
        await tick();
        sayReachable(true);
      } catch (error) {
        sayReachable(false, error);
      }
      await waker.sleep(pollMs);
    }
  };

  /** Best effort: while the database is away its own rule for the age of reports does the same. */
  const sayGoodbye = async (): Promise<void> => {
    await withDeadline(1_000, 'take reports back', deployments.forgetServer(deps.serverId())).catch(() => {});
  };

  metrics.beforeExposition(() => {
    const seconds = lastReadAt === null ? process.uptime() : (performance.now() - lastReadAt) / 1000;
    metrics.set('perennial_deployments_unreachable_seconds', {}, reachable && lastReadAt !== null ? 0 : seconds);
    metrics.set('perennial_serving_ready', {}, notReady().length === 0 ? 1 : 0);
  });

  const notReady = (): string[] => {
    if (stopped) return ['Server is stopping'];
    if (lastReadAt === null) return ['Deployments have not been read yet'];
    const waiting = [...slots.values()].filter((slot) => !slot.ready());
    return waiting.map((slot) => `No model in memory for "${slot.pipeline}": ${slot.status().reason ?? 'loading'}`);
  };

  return {
    current: (pipeline) => slots.get(pipeline)?.current() ?? null,
    online: (pipeline) => online.current(pipeline),
    serving: () => [...slots.values()].flatMap((slot) => slot.current() ?? []).toSorted(byPipeline),
    isKnown: (pipeline) => slots.has(pipeline),
    notReady,
    start: () => {
      listener ??= deployments.listen(waker.wake);
      running ??= follow();
    },
    stop: async () => {
      stopped = true;
      waker.wake();
      await Promise.all([running, listener?.close()]);
      await sayGoodbye();
      await Promise.all([...slots.values()].map((slot) => slot.close()));
    },
  };
};

const byPipeline = (left: Serving, right: Serving): number => (left.pipeline < right.pipeline ? -1 : 1);
const usesViews = (slot: Slot): boolean => (slot.current()?.model.featureSet.views.length ?? 0) > 0;

/** A sleep that a call ends early; a call while nobody sleeps ends the next sleep at once, so that none is lost. */
const createWaker = () => {
  let pending = false;
  let end: (() => void) | null = null;
  return {
    wake: (): void => {
      pending = true;
      end?.();
    },
    sleep: async (ms: number): Promise<void> => {
      if (!pending) {
        const { promise, resolve } = Promise.withResolvers<void>();
        end = resolve;
        const timer = setTimeout(resolve, ms);
        await promise;
        clearTimeout(timer);
        end = null;
      }
      pending = false;
    },
  };
};
