/** What happens to the demo's world: real flights of 2001, one in ten, day by day; as files, and as what passengers ask. */
import { cp, mkdir, rename } from 'node:fs/promises';
import { findPackageJSON } from 'node:module';
import { dirname, join } from 'node:path';
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { PerennialError } from '#domain/errors.ts';
import { dayMs } from '#domain/units.ts';

export type Flight = { readonly date: string; readonly distance: number; readonly origin: string; readonly destination: string };
/** A flight as it was asked about, and what became of it. */
export type PastFlight = { readonly asked: Flight; readonly late: boolean };
/** A day of the calendar, "2001-02-12". */
export type Day = string;

export const nextDay = (day: Day, days = 1): Day => new Date(Date.parse(day) + days * dayMs).toISOString().slice(0, 10);

const months = ['January', 'February', 'March'];
/** "12 February". */
export const nameDay = (day: Day): string => `${Number(day.slice(8))} ${months[Number(day.slice(5, 7)) - 1]}`;

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

export type World = {
  /** Puts a day's file into the source folder, whole or not at all, as a careful sender would. The same day again changes nothing. */
  deliver(folder: string, day: Day): Promise<void>;
  /** Flights of a day in the order of their departure. */
  flightsOf(day: Day): Promise<readonly PastFlight[]>;
  close(): void;
};

/** Two seconds of requests a day, and enough flights for two models to be told apart. */
const oneIn = 10;

/** Every tenth flight of each day in a fixed order: files and requests are of the same small world. */
const thinned = (before: Day): string =>
  `select date, delay, distance, origin, destination from (
     select *, row_number() over (partition by date_trunc('day', date) order by date, origin, destination, distance, delay) as n
     from '${flightsFile()}' where date >= '2001-01-01' and date < '${before}'
   ) where n % ${oneIn} = 0 order by date, origin, destination, distance, delay`;

const ofDay = (day: Day): string => `from flights where date >= '${day}' and date < '${nextDay(day)}'`;

const deliver = async (connection: DuckDBConnection, folder: string, day: Day): Promise<void> => {
  const data = join(folder, 'data');
  await mkdir(data, { recursive: true });
  const unfinished = join(folder, `.${day}.part`);
  await connection.run(`copy (select * ${ofDay(day)}) to '${unfinished}' (format parquet, compression zstd)`);
  await rename(unfinished, join(data, `${day}.parquet`));
};

type Row = Flight & { readonly delay: number };

const flightsOf = async (connection: DuckDBConnection, day: Day): Promise<readonly PastFlight[]> => {
  const found = await connection.runAndReadAll(
    `select strftime(date, '%Y-%m-%dT%H:%M:%S.000Z') as date, distance::integer as distance, origin, destination,
       delay::integer as delay ${ofDay(day)}`,
  );
  return (found.getRowObjectsJson() as unknown as Row[]).map(({ delay, ...asked }) => ({ asked, late: delay > 15 }));
};

/** The flights before a day, in memory. Close it. Throws PRN_SOURCE_MISSING where they are not installed. */
export const openWorld = async (before: Day): Promise<World> => {
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  await connection.run(`create table flights as ${thinned(before)}`);
  return {
    deliver: (folder, day) => deliver(connection, folder, day),
    flightsOf: (day) => flightsOf(connection, day),
    close: () => {
      connection.closeSync();
      instance.closeSync();
    },
  };
};

/** Copies a demo pipeline to where its data may arrive. */
export const copyPipeline = (name: string, to: string): Promise<void> =>
  cp(join(import.meta.dirname, '../../../infra/demo', name), to, { recursive: true });
