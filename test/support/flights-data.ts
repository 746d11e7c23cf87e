import { mkdir } from 'node:fs/promises';
import { findPackageJSON } from 'node:module';
import { dirname, join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import type { PipelineFile } from '#domain/contracts/pipeline-spec/pipeline-spec.ts';

/** Flights as tests and benches declare them: what was known at departure, and a label that is known a day later. */
export const flightsData = (
  source: string,
  lateSql: string,
  more: PipelineFile['data']['columns'] = {},
): PipelineFile['data'] => ({
  source,
  event_time: 'date',
  label: { name: 'late', sql: lateSql, known_after: '1d' },
  columns: {
    date: { type: 'timestamp' },
    delay: { type: 'integer', role: 'outcome' },
    distance: { type: 'integer' },
    origin: { type: 'category' },
    destination: { type: 'category' },
    ...more,
  },
});

const monthSql = (month: number): string => {
  const file = join(dirname(findPackageJSON('vega-datasets', import.meta.url) as string), 'data', 'flights-3m.parquet');
  const [from, to] = [`make_timestamp(2001, ${month}, 1, 0, 0, 0)`, `make_timestamp(2001, ${month + 1}, 1, 0, 0, 0)`];
  return `select * from '${file}' where date >= ${from} and date < ${to}`;
};

/** Half a million real flights: a month of 2001 as one file of the folder `data`. */
export const deliverMonth = async (folder: string, month: number): Promise<void> => {
  await mkdir(join(folder, 'data'), { recursive: true });
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  try {
    await connection.run(`copy (${monthSql(month)}) to '${join(folder, 'data', `${month}.parquet`)}' (format parquet)`);
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
};
