/** What the command prints: results on stdout, progress and errors on stderr; one JSON document with --json. */
import { styleText } from 'node:util';
import type { RunOutcome } from '#domain/contracts/verdict.ts';
import { type ErrorCode, errorRegistry, PerennialError } from '#domain/errors.ts';

export const usageExit = 2;

/** Exit code of a run's ending. */
export const exitOfOutcome: Readonly<Record<RunOutcome, number>> = {
  promoted: 0,
  rejected: 3,
  inconclusive: 8,
  held: 9,
  failed: 1,
};

export const paint = (
  style: Parameters<typeof styleText>[0],
  text: string,
  stream: NodeJS.WriteStream = process.stdout,
): string => styleText(style, text, { stream, validateStream: true });

export const print = (text: string): void => void process.stdout.write(`${text}\n`);
export const printJson = (value: unknown): void => print(JSON.stringify(value, null, 2));
export const note = (text: string): void => void process.stderr.write(`${text}\n`);

/** Prints an error with its code and the way out; returns the exit code. */
export const reportError = (error: unknown, asJson: boolean): number => {
  const code: ErrorCode = error instanceof PerennialError ? error.code : 'PRN_INTERNAL';
  const entry = errorRegistry[code];
  const message = error instanceof Error ? error.message : String(error);
  if (asJson) {
    const docs = `infra/runbooks/errors.md#${code.toLowerCase()}`;
    printJson({ error: { code, message, hint: entry.action, docs, retryable: entry.retry === 'retry', exit: entry.exit } });
  } else {
    note(`${paint('red', 'error', process.stderr)} ${message}`);
    note(paint('dim', `${code}: ${entry.action}`, process.stderr));
    if (code === 'PRN_INTERNAL' && error instanceof Error) note(paint('dim', error.stack ?? '', process.stderr));
  }
  return entry.exit;
};

/** Aligned columns for people; the first row is the head. */
export const table = (rows: readonly (readonly string[])[]): string => {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)));
  return rows
    .map((row, index) => {
      const line = row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd();
      return index === 0 ? paint('dim', line) : line;
    })
    .join('\n');
};

/** The first 12 digits name a digest well enough for people; every command takes such a prefix. */
export const short = (sha256: string | null): string => (sha256 === null ? '-' : sha256.slice(0, 12));
