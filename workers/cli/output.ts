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

const codeOf = (error: unknown): ErrorCode => (error instanceof PerennialError ? error.code : 'PRN_INTERNAL');
const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** An error as it stands under "error" of the document of --json. */
export const errorDocument = (error: unknown) => {
  const code = codeOf(error);
  const { action, retry, exit } = errorRegistry[code];
  const docs = `infra/runbooks/errors.md#${code.toLowerCase()}`;
  return { code, message: messageOf(error), hint: action, docs, retryable: retry === 'retry', exit };
};

/** What went wrong, its code and the way out, for people. */
export const tellError = (error: unknown): void => {
  const code = codeOf(error);
  note(`${paint('red', 'error', process.stderr)} ${messageOf(error)}`);
  note(paint('dim', `${code}: ${errorRegistry[code].action}`, process.stderr));
  if (code === 'PRN_INTERNAL' && error instanceof Error) note(paint('dim', error.stack ?? '', process.stderr));
};

/** Prints an error with its code and the way out; returns the exit code. */
export const reportError = (error: unknown, asJson: boolean): number => {
  if (asJson) printJson({ error: errorDocument(error) });
  else tellError(error);
  return errorRegistry[codeOf(error)].exit;
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
