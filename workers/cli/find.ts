import { PerennialError } from '#domain/errors.ts';
import type { RunKey } from '#domain/units.ts';
import { parseRetrainWorkflowId } from '../../workflows/names.ts';
import type { Context } from './context.ts';

const searchedRuns = 1000;

/** Finds a run by key, by the first digits of its key, or by workflow id. Throws PRN_NOT_FOUND, PRN_CONFLICT. */
export const findRun = async (context: Context, asked: string) => {
  const key = parseRetrainWorkflowId(asked)?.runKey ?? asked;
  const exact = await context.runs.get(key as RunKey);
  if (exact) return exact;
  const matches = (await context.runs.list({ limit: searchedRuns })).filter((run) => run.runKey.startsWith(key));
  if (matches.length > 1)
    throw new PerennialError('PRN_CONFLICT', `Cannot tell which run "${asked}" is: ${matches.length} begin so`);
  if (!matches[0])
    throw new PerennialError('PRN_NOT_FOUND', `Cannot find run "${asked}": "perennial runs list" shows what there is`);
  return matches[0];
};
