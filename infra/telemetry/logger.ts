import { type Logger as PinoLogger, pino, stdTimeFunctions } from 'pino';
import type { Config } from '../config.ts';

export type Logger = PinoLogger;

/** Names under which a secret could be logged by mistake; their values are replaced. */
const secretPaths = ['authorization', 'cookie', 'password', 'token', 'secret', 'databaseUrl'].flatMap((name) => [
  name,
  `*.${name}`,
]);

/** JSON lines on standard error: standard output belongs to results. `role` is the process, such as "serve" or "worker-cpu". */
export const createLogger = (role: string, level: Config['logLevel']): Logger =>
  pino(
    {
      level,
      base: { role, pid: process.pid },
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: secretPaths, censor: '[hidden]' },
    },
    // Synchronous: a line written right before a crash is the line that is needed.
    pino.destination({ dest: 2, sync: true }),
  );

/** A logger that says nothing, for programs that print their own words. */
export const silentLogger = (): Logger => pino({ level: 'silent' });
