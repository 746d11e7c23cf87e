/** Writes errors.md from the registry: `node infra/runbooks/render.ts`. A test compares. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ErrorCode, type ErrorEntry, errorRegistry } from '#domain/errors.ts';

const section = (code: ErrorCode, entry: ErrorEntry): string =>
  [
    `## ${code}`,
    '',
    `${entry.meaning}.`,
    '',
    `- Retry: ${entry.retry === 'final' ? 'no, the same input fails again' : 'yes, by itself'}`,
    `- Who acts: ${entry.who}`,
    `- What to do: ${entry.action}`,
    `- HTTP status ${entry.status}, exit code ${entry.exit}`,
  ].join('\n');

export const renderErrorPage = (): string => {
  const entries = Object.entries(errorRegistry) as [ErrorCode, ErrorEntry][];
  const head =
    '# Errors\n\nWritten from `workflows/domain/errors.ts` by `node infra/runbooks/render.ts`. Codes are never used again after retirement.';
  return `${[head, ...entries.map(([code, entry]) => section(code, entry))].join('\n\n')}\n`;
};

if (import.meta.main) writeFileSync(join(import.meta.dirname, 'errors.md'), renderErrorPage());
