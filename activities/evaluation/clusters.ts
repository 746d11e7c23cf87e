/** Which rows of the hold-out belong together, because they are not independent pieces of evidence. */
import type { ClusterUnit } from '#domain/contracts/reference-profile.ts';
import { PerennialError } from '#domain/errors.ts';
import { type Clusters, tooFewClusters } from '#domain/stats/comparison/clusters.ts';
import type { Duck } from '../../infra/tabular/duckdb.ts';
import { quoteName } from '../../infra/tabular/sql.ts';
import type { PipelineSpec } from '../deps.ts';
import type { RawHoldout } from './hold-out.ts';

export type ClusterChoice = {
  readonly cluster: PipelineSpec['gate']['cluster'];
  readonly eventTime: string | null;
  readonly key: readonly string[];
};

/** Whether rows could belong together at all; where they cannot, the hold-out need not be opened for it. */
export const mayCluster = ({ cluster, eventTime, key }: ClusterChoice): boolean =>
  cluster === undefined ? eventTime !== null || key.length > 0 : cluster !== 'none';

/**
 * Clusters of the hold-out's rows as the gate asks for them; null: each row counts for itself. Where nothing is asked,
 * rows of one day belong together; with too few days to learn from, rows of one hour; without an event time, rows of one
 * key. Throws PRN_EVALUATION for a column that is not there.
 */
export const readClusters = async (db: Duck, holdout: RawHoldout, choice: ClusterChoice): Promise<Clusters | null> => {
  const { cluster, eventTime, key } = choice;
  if (cluster === 'none') return null;
  if (cluster === 'day' || cluster === 'hour') return readTime(db, holdout, cluster, eventTime);
  if (cluster !== undefined) return readColumns(db, holdout, cluster);
  if (eventTime === null) return key.length === 0 ? null : unlessSingle(await readColumns(db, holdout, key));
  for (const unit of ['day', 'hour'] as const) {
    const found = await readTime(db, holdout, unit, eventTime);
    if (tooFewClusters(found) === null) return found;
  }
  return null;
};

/** What such rows were put together by. */
export const unitOf = ({ cluster, key, eventTime }: ClusterChoice, { by }: Clusters): ClusterUnit => {
  if (Array.isArray(cluster)) return cluster;
  return cluster === undefined && eventTime === null ? [...key] : by === 'hour' ? 'hour' : 'day';
};

/** Where every row is a cluster of its own, rows are independent, and exact tests may be used. */
const unlessSingle = (clusters: Clusters): Clusters | null => (clusters.count === clusters.ids.length ? null : clusters);

const readTime = async (db: Duck, holdout: RawHoldout, unit: 'day' | 'hour', eventTime: string | null): Promise<Clusters> => {
  if (eventTime === null)
    throw refusal(`gate.cluster "${unit}" must have data.event_time: it is not declared; list columns, or say none`);
  requireColumn(holdout, eventTime);
  return read(db, holdout, unit, `date_trunc('${unit}', ${quoteName(eventTime)}::TIMESTAMP)`);
};

const readColumns = async (db: Duck, holdout: RawHoldout, columns: readonly string[]): Promise<Clusters> => {
  for (const column of columns) requireColumn(holdout, column);
  const texts = columns.map((column) => `coalesce(${quoteName(column)}::VARCHAR, chr(1))`);
  return read(db, holdout, columns.join(', '), `concat(${texts.join(', chr(31), ')})`);
};

const requireColumn = (holdout: RawHoldout, column: string): void => {
  if (!holdout.types.has(column)) throw refusal(`"${column}" must be a column of the data: it is not`);
};

const refusal = (problem: string): PerennialError =>
  new PerennialError('PRN_EVALUATION', `Cannot cluster the hold-out as ${problem}`);

const read = async (db: Duck, { relation }: RawHoldout, by: string, expression: string): Promise<Clusters> => {
  const numbered = `SELECT CAST(dense_rank() OVER (ORDER BY ${expression}) - 1 AS DOUBLE) AS id, _row FROM ${relation}`;
  const result = await db.connection.stream(`SELECT id FROM (${numbered}) ORDER BY _row`);
  const ids: number[] = [];
  let count = 0;
  for (let chunk = await result.fetchChunk(); chunk !== null && chunk.rowCount > 0; chunk = await result.fetchChunk()) {
    const column = chunk.getColumnVector(0);
    for (let row = 0; row < chunk.rowCount; row++) {
      const id = column.getItem(row) as number;
      ids.push(id);
      count = Math.max(count, id + 1);
    }
  }
  return { by, ids: Uint32Array.from(ids), count };
};
