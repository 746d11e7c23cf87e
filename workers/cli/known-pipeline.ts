import { PerennialError } from '#domain/errors.ts';
import { nearestName } from '#domain/features/nearest-name.ts';
import type { PipelineName } from '#domain/units.ts';
import type { Context } from './context.ts';

/** The way on from a name that is not there: the one that was meant, else those that are. */
const wayOn = (asked: string, known: readonly string[]): string => {
  if (known.length === 0) return 'none is applied yet; `perennial apply PATH` applies one';
  const meant = nearestName(asked, known);
  if (meant !== null) return `did you mean "${meant}"?`;
  return known.length > 5 ? '`perennial status` lists them' : `applied are ${known.map((name) => `"${name}"`).join(', ')}`;
};

/** The name of an applied pipeline. `attempt` is what could not be done, as "Cannot list runs of". Throws PRN_NOT_FOUND. */
export const requirePipeline = async (context: Context, asked: string, attempt: string): Promise<PipelineName> => {
  const known = (await context.definitions.listPipelines()).map(({ name }) => name);
  const found = known.find((name) => name === asked);
  if (found !== undefined) return found;
  throw new PerennialError('PRN_NOT_FOUND', `${attempt} "${asked}": no such pipeline is applied; ${wayOn(asked, known)}`);
};
