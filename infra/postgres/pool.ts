import { Kysely, PostgresDialect, WithSchemaPlugin } from 'kysely';
import pg from 'pg';
import { explainFailure } from './failures.ts';
import { databaseSchema, type Tables } from './tables.ts';

/** Enough for one worker's parallel steps; a server's own limit is commonly 100 connections. */
const defaultConnections = 8;
/** A local server answers in milliseconds; one across a network in well under a second. */
const connectTimeoutMs = 5_000;

/** Typed queries over the schema `perennial`, and the address for what needs a connection of its own. */
export class Db extends Kysely<Tables> {
  readonly url: string;
  constructor(url: string, pool: pg.Pool) {
    super({ dialect: new PostgresDialect({ pool: explaining(pool, url) }), plugins: [new WithSchemaPlugin(databaseSchema)] });
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

/** Opens a pool lazily: nothing is connected until the first query, which throws PRN_UNREACHABLE where nobody answers. */
export const openDatabase = (url: string, options: { connections?: number } = {}): Database => {
  const pool = new pg.Pool({ ...connectionSettings(url), max: options.connections ?? defaultConnections, allowExitOnIdle: true });
  // An idle connection that breaks is replaced by the pool; without a listener its error would end the process.
  pool.on('error', () => {});
  // The same holds for one in use, which the pool does not watch; its query rejects with the reason.
  pool.on('connect', (client) => client.on('error', () => {}));
  const db = new Db(url, pool);
  return { db, pool, close: () => db.destroy() };
};

/** Passes connections through, with failures turned into our errors on the way out. */
const explaining = (pool: pg.Pool, url: string) => ({
  options: pool.options,
  end: () => pool.end(),
  connect: async () => {
    const client = await rethrowing(pool.connect(), url);
    const query = (...args: unknown[]): unknown => {
      const answer = (client.query as (...args: unknown[]) => unknown).apply(client, args);
      return answer instanceof Promise ? rethrowing(answer, url) : answer;
    };
    return Object.create(client, { query: { value: query }, release: { value: (destroy?: boolean) => client.release(destroy) } });
  },
});

const rethrowing = async <T>(work: Promise<T>, url: string): Promise<T> => {
  try {
    return await work;
  } catch (error) {
    throw explainFailure(error, url);
  }
};
