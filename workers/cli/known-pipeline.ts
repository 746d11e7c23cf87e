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

/** As every list takes it: `list PIPELINE`, or the same as an option. */
export type ListedPipeline = { readonly named: string | undefined; readonly byOption: string | undefined };

/** The pipeline that a list is of; undefined for all. Throws PRN_NOT_FOUND, and PRN_USAGE where two are named. */
export const pipelineOfList = async (
  context: Context,
  { named, byOption }: ListedPipeline,
  attempt: string,
): Promise<PipelineName | undefined> => {
  if (named !== undefined && byOption !== undefined && named !== byOption)
    throw new PerennialError('PRN_USAGE', `${attempt} "${named}" and of --pipeline "${byOption}" at once: name one`);
  const asked = named ?? byOption;
  return asked === undefined ? undefined : requirePipeline(context, asked, attempt);
};
