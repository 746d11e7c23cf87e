import { PerennialError } from '#domain/errors.ts';
import type { PipelineName } from '#domain/units.ts';
import type { Context } from '../context.ts';
import { requirePipeline } from '../known-pipeline.ts';

/** The pipeline that was named, or the only one. Throws PRN_NOT_FOUND, and PRN_USAGE where it must be named. */
export const labelledPipeline = async (context: Context, asked: string | undefined): Promise<PipelineName> => {
  if (asked !== undefined) return await requirePipeline(context, asked, 'Cannot label predictions of');
  const known = (await context.definitions.listPipelines()).map(({ name }) => name);
  const [only, ...others] = known;
  if (only !== undefined && others.length === 0) return only as PipelineName;
  const what = only === undefined ? 'none is applied' : `${known.length} are applied: ${known.slice(0, 10).join(', ')}`;
  throw new PerennialError('PRN_USAGE', `Cannot tell whose labels these are as --pipeline must name one: ${what}`);
};
