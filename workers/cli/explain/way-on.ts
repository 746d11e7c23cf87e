/** What was asked is no run: whatever else it may be, and how that is asked. */
import { PerennialError } from '#domain/errors.ts';
import { nearestName } from '#domain/features/nearest-name.ts';
import type { PipelineName } from '#domain/units.ts';
import { createWatchHistory } from '../../../infra/postgres/watch-history.ts';
import type { Context } from '../context.ts';

const day = /^\d{4}-\d{2}-\d{2}/;

/** The newest of what can be explained of it: a version, and a window. */
const askedOf = async (context: Context, pipeline: PipelineName): Promise<string> => {
  const [[version], [window]] = await Promise.all([
    context.registry.list(pipeline),
    createWatchHistory(context.database.db).reports(pipeline, 'drift', { limit: 1 }),
  ]);
  const ways = [
    ...(version === undefined ? [] : [`"perennial explain ${pipeline}/${version.version}"`]),
    ...(window === undefined ? [] : [`"perennial explain ${pipeline}/${window.from.slice(0, 10)}"`]),
  ];
  return ways.length === 0 ? `"perennial status ${pipeline}" says where it stands` : `try ${ways.join(' or ')}`;
};

const wayOn = async (context: Context, asked: string): Promise<string | null> => {
  const pipelines = (await context.definitions.listPipelines()).map(({ name }) => name);
  const found = pipelines.find((name) => name === asked);
  if (found !== undefined) return `it is a pipeline: ${await askedOf(context, found)}`;
  if (day.test(asked)) return `it is a day: say of which pipeline, as "perennial explain ${pipelines[0] ?? 'PIPELINE'}/${asked}"`;
  const meant = nearestName(asked, pipelines);
  return meant === null ? null : `did you mean the pipeline "${meant}"?`;
};

/** Does the work; where there is no such run, says what else was asked for. Throws PRN_NOT_FOUND. */
export const withWayOn = async <T>(context: Context, asked: string, work: () => Promise<T>): Promise<T> => {
  try {
    return await work();
  } catch (error) {
    const way = error instanceof PerennialError && error.code === 'PRN_NOT_FOUND' ? await wayOn(context, asked) : null;
    if (way === null) throw error;
    throw new PerennialError('PRN_NOT_FOUND', `Cannot explain "${asked}": ${way}`, { cause: error });
  }
};
