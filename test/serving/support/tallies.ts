/** What servers told of their counters. */
import type { PipelineName } from '../../../workflows/domain/units.ts';
import type { World } from './pipelines.ts';

/** Rows in all windows of a pipeline, by model. */
export const getPipelineRows = async (world: World, pipeline: string): Promise<ReadonlyMap<string, number>> => {
  const rows = await world.db
    .selectFrom('window_tallies')
    .select(['model_sha256', (eb) => eb.fn.sum<string>('rows').as('rows')])
    .where('pipeline', '=', pipeline as PipelineName)
    .groupBy('model_sha256')
    .execute();
  return new Map(rows.map((row) => [row.model_sha256, Number(row.rows)]));
};
