import { close as closeFile, fdatasync, ftruncateSync, mkdirSync, openSync, renameSync, writeSync } from 'node:fs';
import { promisify } from 'node:util';
import type { Logger } from '../../infra/telemetry/logger.ts';
import type { Metrics } from '../../infra/telemetry/metrics.ts';
import { leaveEpoch, takeEpoch } from './owner.ts';
import { segmentFile } from './places.ts';

/**
 * An append-only log of one life of a server, in segments. Lines are taken at once and written together at the end of the
 * turn of the event loop, by one call; who waits for `written` answers after its line is with the system. A killed process
 * loses none, a power cut what the system had not put away: at most the last second.
 */
export type PredictionLog = {
  /** Takes one line, with its line feed. */
  append(line: string): void;
  /** Resolves when the lines taken so far are written, or are known to be lost. Never rejects. */
  written(): Promise<void>;
  /** Closes the segment that is written to, where it has lines; the next line begins another. */
  rotate(): void;
  close(): Promise<void>;
};

type LogOptions = {
  /** Folder of this life; made with the first line. */
  readonly folder: string;
  readonly log: Logger;
  readonly metrics: Metrics;
  /** After a segment was closed, with its number. */
  readonly onRotated: (segment: number) => void;
  readonly mostBytes?: number;
};

/** Segments of this size go to the store at once: larger ones hold memory when they are shipped, smaller ones make many objects. */
const defaultMostBytes = 64 * 1024 * 1024;
/** A power cut loses no more than this. More often costs a disk its time, less often costs predictions. */
const syncMs = 1_000;
/** Grows to the lines of one turn; that of a usual turn fits at once. */
const firstBufferBytes = 256 * 1024;
/** The longest UTF-8 form of a UTF-16 code unit. */
const bytesPerUnit = 3;

const sync = promisify(fdatasync);
const close = promisify(closeFile);

class SegmentedLog implements PredictionLog {
  readonly #options: LogOptions;
  readonly #mostBytes: number;
  readonly #timer: NodeJS.Timeout;
  #buffer = Buffer.allocUnsafe(firstBufferBytes);
  #filled = 0;
  #lines = 0;
  /** Lines that were written and that no metric has yet. */
  #unreported = 0;
  #segment = 1;
  #file: number | null = null;
  #bytes = 0;
  #isUnsynced = false;
  #syncing: Promise<void> | null = null;
  #isFailing = false;
  #turn: Promise<void> = Promise.resolve();

  constructor(options: LogOptions) {
    this.#options = options;
    this.#mostBytes = options.mostBytes ?? defaultMostBytes;
    this.#timer = setInterval(() => this.#syncSoon(), syncMs);
    this.#timer.unref();
    options.metrics.beforeExposition(() => this.#report());
  }

  append(line: string): void {
    const needed = this.#filled + line.length * bytesPerUnit;
    if (needed > this.#buffer.length) this.#grow(needed);
    this.#filled += this.#buffer.write(line, this.#filled, 'utf8');
    if (this.#lines === 0) this.#turn = this.#writeAfterTurn();
    this.#lines += 1;
  }

  written(): Promise<void> {
    return this.#turn;
  }

  rotate(): void {
    this.#write();
    if (this.#file === null) return;
    const path = this.#openPath();
    const file = this.#file;
    this.#file = null;
    this.#closeLater(file);
    try {
      renameSync(path, segmentFile(this.#options.folder, this.#segment));
    } catch (err) {
      // It keeps its name, and is closed by the next life of this server.
      this.#options.log.error({ err, path }, 'Cannot close a segment of the log of predictions');
    }
    const closed = this.#segment;
    this.#segment += 1;
    this.#bytes = 0;
    this.#options.onRotated(closed);
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    this.rotate();
    await this.#syncing;
    if (this.#segment > 1) leaveEpoch(this.#options.folder);
  }

  /** Counted as they are written, told when somebody looks: a counter of the library costs more than a line. */
  #report(): void {
    this.#options.metrics.count('perennial_capture_records_total', {}, this.#unreported);
    this.#unreported = 0;
  }

  /** Promises of the same batch append first: they run before what waits for the next tick. */
  #writeAfterTurn(): Promise<void> {
    return new Promise((resolve) => {
      process.nextTick(() => {
        this.#write();
        resolve();
      });
    });
  }

  #write(): void {
    const [filled, lines] = [this.#filled, this.#lines];
    if (lines === 0) return;
    this.#filled = 0;
    this.#lines = 0;
    try {
      this.#file ??= this.#open();
      writeWhole(this.#file, this.#buffer, filled);
      this.#unreported += lines;
      this.#isUnsynced = true;
      this.#bytes += filled;
      this.#isFailing = false;
    } catch (err) {
      this.#lose(lines, err);
    }
    if (this.#bytes >= this.#mostBytes) this.rotate();
  }

  /** Predictions go on: an answer is worth more than its record. Said once, until writing works again. */
  #lose(lines: number, err: unknown): void {
    const { log, metrics } = this.#options;
    metrics.count('perennial_capture_lost_total', {}, lines);
    if (!this.#isFailing) log.error({ err, lines }, 'Cannot write the log of predictions: answers go on without it');
    this.#isFailing = true;
    if (this.#file !== null) this.#cutTornLine(this.#file);
  }

  /** What was written in part would end in the middle of a line; where even that fails, what comes later begins a segment. */
  #cutTornLine(file: number): void {
    try {
      ftruncateSync(file, this.#bytes);
    } catch {
      this.rotate();
    }
  }

  #syncSoon(): void {
    if (!this.#isUnsynced || this.#syncing !== null || this.#file === null) return;
    this.#isUnsynced = false;
    this.#syncing = this.#sync(this.#file).finally(() => {
      this.#syncing = null;
    });
  }

  async #sync(file: number): Promise<void> {
    await sync(file).catch((err: unknown) => this.#options.log.error({ err }, 'Cannot sync the log of predictions'));
  }

  /** After its last bytes are with the disk, and after a sync that is under way on the same file. */
  #closeLater(file: number): void {
    const before = this.#syncing ?? Promise.resolve();
    this.#isUnsynced = false;
    this.#syncing = before
      .then(() => this.#sync(file))
      .then(() => close(file))
      .catch((err: unknown) => this.#options.log.error({ err }, 'Cannot close a segment of the log of predictions'))
      .finally(() => {
        this.#syncing = null;
      });
  }

  #open(): number {
    if (this.#segment === 1) {
      mkdirSync(this.#options.folder, { recursive: true });
      takeEpoch(this.#options.folder);
    }
    return openSync(this.#openPath(), 'a');
  }

  #openPath(): string {
    return `${segmentFile(this.#options.folder, this.#segment)}.open`;
  }

  #grow(needed: number): void {
    const larger = Buffer.allocUnsafe(Math.max(needed, this.#buffer.length * 2));
    this.#buffer.copy(larger, 0, 0, this.#filled);
    this.#buffer = larger;
  }
}

/** A disk that is nearly full takes a part of what it is given. */
const writeWhole = (file: number, buffer: Buffer, bytes: number): void => {
  let done = 0;
  while (done < bytes) done += writeSync(file, buffer, done, bytes - done);
};

export const openPredictionLog = (options: LogOptions): PredictionLog => new SegmentedLog(options);
