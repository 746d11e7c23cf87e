import type { PipelineName } from '#domain/units.ts';
import { withDeadline } from './deadline.ts';
import type { LoaderDeps } from './deps.ts';
import { createOnlineCopy, emptyOnlineCopy, entityCounts, type OnlineCopy } from './online-copy.ts';

export type OnlineFollower = {
  current(pipeline: string): OnlineCopy;
  /** Loads a pipeline's publication where it is another than the one in memory. One load at a time for each pipeline. */
  follow(pipeline: PipelineName): Promise<void>;
};

const askTimeoutMs = 5_000;
/** A publication may hold millions of entities; a load that takes longer is begun again at the next poll. */
const loadTimeoutMs = 120_000;

/** Keeps the published view values of pipelines in memory, each replaced as a whole: no request sees half of one. */
export const createOnlineFollower = ({
  onlineFeatures,
  metrics,
  log,
}: Pick<LoaderDeps, 'onlineFeatures' | 'metrics' | 'log'>) => {
  const copies = new Map<string, OnlineCopy>();
  const loads = new Map<string, Promise<void>>();

  const load = async (pipeline: PipelineName): Promise<void> => {
    const published = await withDeadline(askTimeoutMs, 'read publications', onlineFeatures.publication(pipeline));
    if (published === null || published.publication === copies.get(pipeline)?.publication) return;
    const { publication, rows } = await withDeadline(loadTimeoutMs, 'load published values', onlineFeatures.load(pipeline));
    if (publication === null) return;
    const copy = createOnlineCopy(publication, rows);
    copies.set(pipeline, copy);
    metrics.forget('perennial_online_entities', { pipeline });
    for (const [view, count] of entityCounts(copy)) metrics.set('perennial_online_entities', { pipeline, view }, count);
    log.info({ pipeline, publication }, 'Loaded published values');
  };

  const follower: OnlineFollower = {
    current: (pipeline) => copies.get(pipeline) ?? emptyOnlineCopy,
    follow: (pipeline) => {
      const known = loads.get(pipeline);
      if (known !== undefined) return known;
      const started = load(pipeline).finally(() => loads.delete(pipeline));
      loads.set(pipeline, started);
      return started;
    },
  };
  return follower;
};
