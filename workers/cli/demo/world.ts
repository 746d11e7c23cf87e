/** What happens to the demo's world: months of real flights arrive as files, and some of them ask for predictions. */
import { cp, mkdir, rename } from 'node:fs/promises';
import { findPackageJSON } from 'node:module';
import { dirname, join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { PerennialError } from '#domain/errors.ts';

export type Flight = { readonly date: string; readonly distance: number; readonly origin: string; readonly destination: string };

/** The data file of the package `vega-datasets`, a development dependency of this project. */
const flightsFile = (): string => {
  const manifest = findPackageJSON('vega-datasets', import.meta.url);
  if (manifest === undefined) {
    throw new PerennialError(
      'PRN_SOURCE_MISSING',
      'Cannot find the flights: the package "vega-datasets" is not installed; "npm ci" brings it',
    );
  }
  return join(dirname(manifest), 'data', 'flights-3m.parquet');
};

const query = async (sql: string): Promise<Record<string, unknown>[]> => {
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  try {
    return (await connection.runAndReadAll(sql)).getRowObjectsJson() as Record<string, unknown>[];
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
};

const monthOf = (month: number): string =>
  `select * from '${flightsFile()}' where date >= make_timestamp(2001, ${month}, 1, 0, 0, 0) and date < make_timestamp(2001, ${month + 1}, 1, 0, 0, 0)`;

/** Puts a month's file into the source folder, whole or not at all, as a careful sender would. */
export const deliverMonth = async (folder: string, month: number): Promise<void> => {
  const data = join(folder, 'data');
  await mkdir(data, { recursive: true });
  const name = `2001-${String(month).padStart(2, '0')}.parquet`;
  const unfinished = join(folder, `.${name}.part`);
  await query(`copy (${monthOf(month)}) to '${unfinished}' (format parquet, compression zstd)`);
  await rename(unfinished, join(data, name));
};

/** Flights of a month in the order of their departure, thinned evenly: what passengers would ask about. */
export const flightsOf = async (month: number, count: number): Promise<Flight[]> => {
  const rows = await query(
    `select strftime(date, '%Y-%m-%dT%H:%M:%S.000Z') as date, distance::integer as distance, origin, destination
     from (${monthOf(month)} order by date, origin, destination, distance) using sample ${count} rows (reservoir, 1) order by date, origin`,
  );
  return rows as unknown as Flight[];
};

/** Copies a demo pipeline to where its data may arrive. */
export const copyPipeline = (name: string, to: string): Promise<void> =>
  cp(join(import.meta.dirname, '../../../infra/demo', name), to, { recursive: true });
