import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { quoteTexts } from './sql.ts';

export type DuckOptions = {
  /** Private folder for what does not fit into memory; deleted by its owner. */
  readonly folder: string;
  readonly memoryMiB: number;
  readonly threads: number;
  /** Folders (and single files) that SQL may read and write, besides `folder`. */
  readonly allowedFolders: readonly string[];
  /** Interrupts the running statement; the pending call rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
};

export type DuckValue = string | number | boolean | null | Date | DuckValue[] | { [name: string]: DuckValue };
export type DuckRow = Record<string, DuckValue>;

/** One connection of a private in-memory database. */
export type Duck = {
  run(sql: string): Promise<void>;
  /** Rows as plain objects: integers as numbers, timestamps as Date. For small results only. */
  rows<Row = DuckRow>(sql: string): Promise<Row[]>;
  /** The only row of a result. */
  row<Row = DuckRow>(sql: string): Promise<Row>;
  /** The connection itself, for streaming and appenders. */
  readonly connection: DuckDBConnection;
  /** Another connection to the same database, closed with it. */
  another(): Promise<Duck>;
};

const plain = (value: unknown): DuckValue => {
  if (typeof value === 'bigint') return Number(value);
  if (Array.isArray(value)) return value.map(plain);
  if (value === null || typeof value !== 'object' || value instanceof Date) return value as DuckValue;
  // DuckDB's own values (decimals, intervals, …) write themselves as text.
  if (Object.getPrototypeOf(value) !== Object.prototype) return (value as { toString(): string }).toString();
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, plain(inner)]));
};

const wrap = (connection: DuckDBConnection, options: DuckOptions, another: () => Promise<Duck>): Duck => {
  const guarded = async <T>(call: () => Promise<T>): Promise<T> => {
    options.signal?.throwIfAborted();
    try {
      return await call();
    } catch (error) {
      // An interrupted statement fails with DuckDB's own words; the reason of the abort says more.
      options.signal?.throwIfAborted();
      throw error;
    }
  };
  const rows = async <Row>(sql: string): Promise<Row[]> => {
    const reader = await guarded(() => connection.runAndReadAll(sql));
    return reader.getRowObjectsJS().map((row) => plain(row) as Row);
  };
  return {
    connection,
    another,
    rows,
    run: (sql) => guarded(async () => void (await connection.run(sql))),
    row: async <Row>(sql: string) => (await rows<Row>(sql))[0] as Row,
  };
};

/**
 * The order matters: external access is closed after the folders are named, and the lock comes last, so that no
 * expression of a pipeline file can open it again. Extensions are never fetched: what is needed is linked in.
 */
const sandbox = (options: DuckOptions): string[] => [
  `SET TimeZone = 'UTC'`,
  `SET autoinstall_known_extensions = false`,
  `SET autoload_known_extensions = false`,
  `SET enable_progress_bar = false`,
  `SET allowed_directories = ${quoteTexts([options.folder, ...options.allowedFolders])}`,
  `SET allowed_paths = ${quoteTexts(options.allowedFolders)}`,
  `SET enable_external_access = false`,
  `SET lock_configuration = true`,
];

const interruptAgainMs = 50;

/**
 * Opens a private in-memory DuckDB whose memory is bounded and whose SQL reaches only the folders named, does the
 * work, and closes it however the work ends. Timestamps are UTC.
 */
export const withDuckDb = async <T>(options: DuckOptions, work: (db: Duck) => Promise<T>): Promise<T> => {
  const spill = join(options.folder, 'spill');
  await mkdir(spill, { recursive: true, mode: 0o700 });
  const instance = await DuckDBInstance.create(':memory:', {
    memory_limit: `${options.memoryMiB}MiB`,
    threads: String(options.threads),
    temp_directory: spill,
  });
  const connections: DuckDBConnection[] = [];
  const connect = async (): Promise<Duck> => {
    const connection = await instance.connect();
    connections.push(connection);
    return wrap(connection, options, connect);
  };
  let again: NodeJS.Timeout | undefined;
  const interrupt = () => {
    for (const connection of connections) connection.interrupt();
    // A statement that was asked for but has not begun does not notice; it is told again until all is over.
    again ??= setInterval(interrupt, interruptAgainMs);
  };
  options.signal?.addEventListener('abort', interrupt);
  try {
    const db = await connect();
    for (const statement of sandbox(options)) await db.run(statement);
    return await work(db);
  } finally {
    options.signal?.removeEventListener('abort', interrupt);
    clearInterval(again);
    for (const connection of connections) connection.closeSync();
    instance.closeSync();
  }
};

/** What DuckDB says, without the location drawing and the advice for those who write its SQL. */
export const duckMessage = (error: unknown): string => {
  const text = error instanceof Error ? error.message : String(error);
  return (text.split(/\n\n|\nPossible fixes:/)[0] as string).split('\nLINE ')[0]?.trim() ?? text;
};
