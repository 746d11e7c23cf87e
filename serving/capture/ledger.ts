/**
 * How many rows of each counted model were answered up to the last segment of the log of one epoch, kept beside its segments:
 * what the counters in the database are compared with when the next life of the server finds that this one was killed.
 */
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { pipelineNameSchema, sha256Schema } from '#domain/contracts/ids.ts';
import type { PipelineName, Sha256 } from '#domain/units.ts';
import type { RowsOfModel } from './deps.ts';

const ledgerSchema = z.strictObject({
  format: z.literal(1),
  segment: z.int().nonnegative().describe('The last segment whose rows are in'),
  rows: z.array(z.strictObject({ pipeline: pipelineNameSchema, modelSha256: sha256Schema, rows: z.int().nonnegative() })),
});
export type Ledger = z.infer<typeof ledgerSchema>;

const fileOf = (epochFolder: string): string => join(epochFolder, 'ledger.json');

/** Null where there is none, or none that can be read: then nothing can be said about a gap. */
export const readLedger = (epochFolder: string): Ledger | null => {
  try {
    return ledgerSchema.parse(JSON.parse(readFileSync(fileOf(epochFolder), 'utf8')));
  } catch {
    return null;
  }
};

/** As a whole or not at all. */
export const writeLedger = (epochFolder: string, ledger: Ledger): void => {
  const file = fileOf(epochFolder);
  writeFileSync(`${file}.tmp`, JSON.stringify(ledger));
  renameSync(`${file}.tmp`, file);
};

export const removeLedger = (epochFolder: string): void => {
  rmSync(fileOf(epochFolder), { force: true });
  rmSync(`${fileOf(epochFolder)}.tmp`, { force: true });
};

/** Rows of one counted model, counted as they are answered. */
export type AnsweredRows = { rows: number };

export type LiveLedger = {
  /** The counter of a model; one that is new stands in the ledger before its first row does in the log. */
  of(pipeline: PipelineName, modelSha256: Sha256): AnsweredRows;
  /** All rows so far that are kept stand in segments up to this one. */
  closed(segment: number): void;
};

/** Keeps the ledger of a life of the server. A write that fails is said by `onFailure`; then a gap may go unseen. */
export const createLiveLedger = (epochFolder: string, onFailure: (err: unknown) => void): LiveLedger => {
  const counted: RowsOfModel[] = [];
  let segment = 0;
  let closed: RowsOfModel[] = [];
  const write = (): void => {
    // Models that came since have no rows in closed segments.
    const rows = counted.map((one, index) => closed[index] ?? { ...one, rows: 0 });
    try {
      mkdirSync(epochFolder, { recursive: true });
      writeLedger(epochFolder, { format: 1, segment, rows });
    } catch (err) {
      onFailure(err);
    }
  };
  return {
    of: (pipeline, modelSha256) => {
      const known = counted.find((one) => one.pipeline === pipeline && one.modelSha256 === modelSha256);
      if (known !== undefined) return known as AnsweredRows;
      const added = { pipeline, modelSha256, rows: 0 };
      counted.push(added);
      write();
      return added;
    },
    closed: (last) => {
      segment = last;
      closed = counted.map((one) => ({ ...one }));
      write();
    },
  };
};
