/** What earlier lives of this server left: open segments are closed, and their counters are compared with their logs. */
import { createReadStream } from 'node:fs';
import { open, readdir, rename, rm, rmdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Logger } from '../../infra/telemetry/logger.ts';
import type { CaptureSink, RowsOfModel } from './deps.ts';
import { readLedger, removeLedger, writeLedger } from './ledger.ts';
import { isOwned, lastWritten, leaveEpoch } from './owner.ts';
import { segmentFile, segmentOf } from './places.ts';

/** A life of the server that ended, with what it logged of the models that it counted. */
export type LeftEpoch = { readonly epoch: string; readonly folder: string; readonly logged: readonly RowsOfModel[] };

const lineFeed = 0x0a;
const portionBytes = 64 * 1024;

/** Bytes up to the end of the last whole line; what is behind it was being written when the process ended. */
const wholeBytes = async (file: string): Promise<number> => {
  const handle = await open(file, 'r');
  try {
    let end = (await handle.stat()).size;
    const portion = Buffer.allocUnsafe(portionBytes);
    while (end > 0) {
      const from = Math.max(0, end - portionBytes);
      const { bytesRead } = await handle.read(portion, 0, end - from, from);
      const last = portion.subarray(0, bytesRead).lastIndexOf(lineFeed);
      if (last >= 0) return from + last + 1;
      end = from;
    }
    return 0;
  } finally {
    await handle.close();
  }
};

/** Gives a segment that was being written its last name, without a torn last line; one without a line goes. */
const closeSegment = async (folder: string, name: string, segment: number, log: Logger): Promise<void> => {
  const file = join(folder, name);
  const whole = await wholeBytes(file);
  const { size } = await stat(file);
  if (whole < size) {
    log.warn({ file, bytes: size - whole }, 'Cut a torn line off the log of predictions');
    const handle = await open(file, 'r+');
    try {
      await handle.truncate(whole);
    } finally {
      await handle.close();
    }
  }
  if (whole === 0) await rm(file);
  else await rename(file, segmentFile(folder, segment));
};

type Line = {
  readonly kind?: unknown;
  readonly shadow?: unknown;
  readonly pipeline?: unknown;
  readonly modelSha256?: unknown;
  readonly counted?: unknown;
};

const parse = (text: string): Line | null => {
  try {
    return JSON.parse(text) as Line;
  } catch {
    return null;
  }
};

/** Adds the answered rows of one segment, shadows left out: each line is one, or says how many were answered up to it. */
const addRows = async (file: string, rows: readonly { pipeline: string; modelSha256: string; rows: number }[]): Promise<void> => {
  for await (const text of createInterface({ input: createReadStream(file), crlfDelay: Number.POSITIVE_INFINITY })) {
    const line = parse(text);
    if (line?.kind !== 'answered' || line.shadow === true) continue;
    const counted = rows.find((one) => one.pipeline === line.pipeline && one.modelSha256 === line.modelSha256);
    if (counted !== undefined) counted.rows = typeof line.counted === 'number' ? line.counted : counted.rows + 1;
  }
};

const namesIn = async (folder: string): Promise<string[]> => {
  try {
    return (await readdir(folder)).toSorted();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
};

const recoverOnce = async (folder: string, epoch: string, log: Logger): Promise<LeftEpoch> => {
  for (const name of await namesIn(folder)) {
    const found = segmentOf(name);
    if (found?.isOpen === true) await closeSegment(folder, name, found.segment, log);
  }
  const ledger = readLedger(folder);
  if (ledger === null) return { epoch, folder, logged: [] };
  const rows = ledger.rows.map((one) => ({ ...one }));
  let { segment } = ledger;
  for (const name of await namesIn(folder)) {
    const found = segmentOf(name);
    if (found === null || found.segment <= ledger.segment) continue;
    await addRows(join(folder, name), rows);
    segment = found.segment;
  }
  // From here on the segments may be shipped and go.
  writeLedger(folder, { format: 1, segment, rows });
  return { epoch, folder, logged: rows };
};

/** Each failure is something that another server did meanwhile, and it does each thing once. */
const mostTries = 10;

/** The server itself and one that took it for dead may be at it at once: what is gone by the second look, the other has done. */
const recoverEpoch = async (folder: string, epoch: string, log: Logger): Promise<LeftEpoch> => {
  for (let tries = 1; ; tries += 1) {
    try {
      return await recoverOnce(folder, epoch, log);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || tries === mostTries) throw error;
    }
  }
};

export type Recovered = {
  readonly left: readonly LeftEpoch[];
  /** Epochs whose process is still at its last answers: to be asked about again. */
  readonly owned: readonly string[];
};

/**
 * Closes what earlier lives left open and counts what they logged: of all epochs but those that are `known`. Done before
 * their segments are shipped; may be done again after a kill at any point, with the same result.
 */
export const recoverEpochs = async (
  serverFolder: string,
  known: ReadonlySet<string>,
  nowMs: number,
  log: Logger,
): Promise<Recovered> => {
  const left: LeftEpoch[] = [];
  const owned: string[] = [];
  for (const epoch of await namesIn(serverFolder)) {
    if (known.has(epoch)) continue;
    const folder = join(serverFolder, epoch);
    const files = (await namesIn(folder)).map((name) => join(folder, name));
    if (isOwned(folder, lastWritten(files), nowMs)) owned.push(epoch);
    else left.push(await recoverEpoch(folder, epoch, log));
  }
  return { left, owned };
};

/**
 * Compares what an earlier life logged with what it told of its counters, and records where rows are missing: what a kill
 * took before they were told. Throws while the database is away; then it is asked again.
 */
export const settleEpoch = async (sink: CaptureSink, serverId: string, left: LeftEpoch, log: Logger): Promise<void> => {
  const { epoch, folder, logged } = left;
  const counted = logged.length === 0 ? [] : await sink.countedRows(serverId, epoch);
  for (const { pipeline, modelSha256, rows } of logged) {
    const heard = counted.find((one) => one.pipeline === pipeline && one.modelSha256 === modelSha256)?.rows ?? 0;
    if (rows <= heard) continue;
    log.warn({ pipeline, modelSha256, epoch, logged: rows, counted: heard }, 'Counters of an earlier life lack rows of its log');
    await sink.recordGap({ serverId, epoch, pipeline, modelSha256, logged: rows, counted: heard });
  }
  removeLedger(folder);
  leaveEpoch(folder);
  await rmdir(folder).catch(() => {
    // Segments are still to be shipped; whoever takes the last one takes the folder.
  });
};
