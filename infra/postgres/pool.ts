import { Kysely, PostgresDialect, WithSchemaPlugin } from 'kysely';
import pg from 'pg';
import { explainFailure } from './failures.ts';
import { createFitCheck } from './schema-fit.ts';
import { databaseSchema, type Tables } from './tables.ts';

/** Enough for one worker's parallel steps; a server's own limit is commonly 100 connections. */
const defaultConnections = 8;
/** A local server answers in milliseconds; one across a network in well under a second. */
const connectTimeoutMs = 5_000;

/** Runs on a connection before its first use. */
type Check = (client: pg.PoolClient) => Promise<void>;

/** Typed queries over the schema `perennial`, and the address for what needs a connection of its own. */
export class Db extends Kysely<Tables> {
  readonly url: string;
  constructor(url: string, pool: pg.Pool, check: Check) {
    const dialect = new PostgresDialect({ pool: explaining(pool, url, check) });
    super({ dialect, plugins: [new WithSchemaPlugin(databaseSchema)] });
    this.url = url;
  }
}

export const connectionSettings = (url: string): pg.ClientConfig => ({
  connectionString: url,
  application_name: 'perennial',
  connectionTimeoutMillis: connectTimeoutMs,
  keepAlive: true,
});

export type Database = { readonly db: Db; readonly pool: pg.Pool; readonly close: () => Promise<void> };

export type DatabaseOptions = {
  readonly connections?: number;
  /** For the migrator: otherwise a schema that is newer or older than this program is refused. */
  readonly anySchema?: boolean;
};

/**
 * Opens a pool lazily: nothing is connected until the first query of `db`. That throws PRN_UNREACHABLE where nobody
 * answers, PRN_DATABASE_OUTDATED or PRN_DATABASE_NEWER where the schema is not the one of this program.
 */
export const openDatabase = (url: string, options: DatabaseOptions = {}): Database => {
  const pool = new pg.Pool({ ...connectionSettings(url), max: options.connections ?? defaultConnections, allowExitOnIdle: true });
  // An idle connection that breaks is replaced by the pool; without a listener its error would end the process.
  pool.on('error', () => {});
  // The same holds for one in use, which the pool does not watch; its query rejects with the reason.
  pool.on('connect', (client) => client.on('error', () => {}));
  const db = new Db(url, pool, options.anySchema ? async () => {} : createFitCheck());
  return { db, pool, close: () => db.destroy() };
};

/** Passes connections through, with failures turned into our errors on the way out. */
const explaining = (pool: pg.Pool, url: string, check: Check) => ({
  options: pool.options,
  end: () => pool.end(),
  connect: async () => {
    const client = await rethrowing(connectChecked(pool, check), url);
    const query = (...args: unknown[]): unknown => {
      const answer = (client.query as (...args: unknown[]) => unknown).apply(client, args);
      return answer instanceof Promise ? rethrowing(answer, url) : answer;
    };
    return Object.create(client, { query: { value: query }, release: { value: (destroy?: boolean) => client.release(destroy) } });
  },
});

const connectChecked = async (pool: pg.Pool, check: Check): Promise<pg.PoolClient> => {
  const client = await pool.connect();
  try {
    await check(client);
    return client;
  } catch (error) {
    client.release();
    throw error;
  }
};

const rethrowing = async <T>(work: Promise<T>, url: string): Promise<T> => {
  try {
    return await work;
  } catch (error) {
    throw explainFailure(error, url);
  }
};
