import { existsSync } from 'node:fs';
import { dirname } from 'node:path';

/** One need of Perennial on this machine, as `perennial doctor` found it. */
export type CheckResult = {
  readonly name: string;
  /** "optional": it is missing, and something else takes its place or little is lost. */
  readonly state: 'ok' | 'missing' | 'optional';
  readonly detail: string;
  /** A command, or a sentence where none can do it; null where nothing is to be mended. */
  readonly mend: string | null;
};

export const ok = (name: string, detail: string): CheckResult => ({ name, state: 'ok', detail, mend: null });
export const missing = (name: string, detail: string, mend: string): CheckResult => ({ name, state: 'missing', detail, mend });
export const optional = (name: string, detail: string, mend: string): CheckResult => ({ name, state: 'optional', detail, mend });

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** The folder itself, or the nearest one above it that is there. */
export const nearestExisting = (folder: string): string => (existsSync(folder) ? folder : nearestExisting(dirname(folder)));
