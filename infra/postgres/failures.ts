import { PerennialError } from '#domain/errors.ts';

/** Answers of PostgreSQL that mean "not now": connection lost, shutting down, starting, out of connections. */
const unavailable = /^(08...|57P0[1-3]|53300)$/;
/** Answers to a connection that no retry mends: unknown role, wrong password, unknown database. */
const refused = /^(28000|28P01|3D000)$/;
/** No such schema or table. */
const unmigrated = /^(3F000|42P01)$/;
const broken =
  /^(Connection terminated|Client has encountered a connection error|Client was closed|timeout exceeded when trying to connect|timeout expired)/;
const socketCodes = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOENT',
  'EACCES',
]);

/** Code of a database's or system call's error, such as 40001 or ECONNREFUSED; empty for other errors. */
export const sqlState = (error: unknown): string => {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : '';
};

const isUnavailable = (error: unknown): boolean =>
  unavailable.test(sqlState(error)) || socketCodes.has(sqlState(error)) || (error instanceof Error && broken.test(error.message));

/** "host:port/database", never user or password. */
const addressOf = (url: string): string => {
  const parsed = URL.canParse(url) ? new URL(url) : null;
  return parsed ? `${parsed.host || 'local socket'}${parsed.pathname}` : 'the address in DATABASE_URL';
};

/** The one place where failures of the database itself get a code; all else is returned as it is. */
export const explainFailure = (error: unknown, url: string): unknown => {
  const said = error instanceof Error ? error.message || sqlState(error) : String(error);
  if (isUnavailable(error)) {
    return new PerennialError('PRN_UNREACHABLE', `Cannot reach PostgreSQL at "${addressOf(url)}": ${said}`, { cause: error });
  }
  if (refused.test(sqlState(error))) {
    return new PerennialError('PRN_CONFIG_INVALID', `Cannot log in to PostgreSQL at "${addressOf(url)}": ${said}`, {
      cause: error,
    });
  }
  if (unmigrated.test(sqlState(error))) {
    return new PerennialError(
      'PRN_DATABASE_OUTDATED',
      `Cannot use the database at "${addressOf(url)}" as it lacks tables of this version: ${said}`,
      { cause: error },
    );
  }
  return error;
};
