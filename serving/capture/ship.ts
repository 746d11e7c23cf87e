/** Ships closed segments of the log: Parquet into the store, a row for each part, and only then the segment goes. */
import { mkdir, mkdtemp, rm, unlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Instant, PipelineName } from '#domain/units.ts';
import type { ConvertedSegment, ConvertJob, SegmentFile } from '../../infra/capture/convert/protocol.ts';
import { runConvert } from '../../infra/capture/convert/run-convert.ts';
import type { ContentStore } from '../../infra/objects/store.ts';
import type { PredictionPart, PredictionParts } from '../../infra/postgres/prediction-parts.ts';
import type { Logger } from '../../infra/telemetry/logger.ts';
import type { Metrics } from '../../infra/telemetry/metrics.ts';
import type { CapturePlace, Shipper } from './deps.ts';
import { closedSegments, forgetEpoch } from './ship-segments.ts';

export type ShipperDeps = {
  readonly content: Pick<ContentStore, 'putFile'>;
  readonly parts: Pick<PredictionParts, 'record' | 'keyColumns'>;
  readonly log: Logger;
  readonly metrics: Metrics;
  /** Folder for Parquet files that are being written; the system's own where it is left out. */
  readonly scratch?: string;
  /** How long closing may take; what is not shipped by then the next life ships. */
  readonly closeMs?: number;
};

/** Memory of the process that writes Parquet: it sorts one hour of one pipeline, and spills what does not fit. */
const memoryMiB = 256;
/** Segments for one such process: starting it takes longer than a small segment does. */
const segmentsAtOnce = 16;
/** A segment that cannot be converted this often stays where it is until the next life, and holds up no other. */
const mostFailures = 3;
const firstRetryMs = 1_000;
const longestRetryMs = 60_000;
const defaultCloseMs = 5_000;

type Stored = { readonly parts: readonly PredictionPart[]; readonly filesOfOld: readonly string[] };

const store = async (deps: ShipperDeps, serverId: string, converted: ConvertedSegment): Promise<Stored> => {
  const { epoch, segment } = converted.segment;
  const parts: PredictionPart[] = [];
  const filesOfOld: string[] = [];
  for (const { pipeline, hour, file, rows, firstEventAt, lastEventAt } of converted.parts) {
    const { sha256, bytes, isNew } = await deps.content.putFile(file);
    if (!isNew) filesOfOld.push(file);
    parts.push({
      pipeline: pipeline as PipelineName,
      hour: hour as Instant,
      serverId,
      epoch,
      segment,
      sha256,
      rows,
      bytes,
      firstEventAt: firstEventAt as Instant | null,
      lastEventAt: lastEventAt as Instant | null,
    });
  }
  return { parts, filesOfOld };
};

/** Objects first, rows after them, the segment's end last: killed in between, all of it is done again and is the same. */
const shipSegment = async (deps: ShipperDeps, place: CapturePlace, converted: ConvertedSegment): Promise<void> => {
  const { file, epoch, segment } = converted.segment;
  const { parts, filesOfOld } = await store(deps, place.serverId, converted);
  await deps.parts.record(parts);
  // An object that a killed life left may have been collected as garbage until the row was there.
  for (const old of filesOfOld) await deps.content.putFile(old);
  await unlink(file);
  if (epoch !== place.epoch) await forgetEpoch(place.serverFolder, epoch);
  for (const { pipeline, rows } of parts) deps.metrics.count('perennial_capture_shipped_rows_total', { pipeline }, rows);
  if (converted.unreadable === 0) return;
  deps.log.warn({ epoch, segment, lines: converted.unreadable }, 'Left out lines of the log that are no predictions');
};

const withFolder = async <T>(deps: ShipperDeps, work: (folder: string) => Promise<T>): Promise<T> => {
  const root = deps.scratch ?? tmpdir();
  await mkdir(root, { recursive: true });
  const folder = await mkdtemp(join(root, `ship.${process.pid}.`));
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
};

class SegmentShipper implements Shipper {
  readonly #deps: ShipperDeps;
  readonly #place: CapturePlace;
  readonly #stop = new AbortController();
  readonly #failures = new Map<string, number>();
  #running: Promise<void> | null = null;
  #isAskedAgain = false;
  #isClosing = false;
  #retry: NodeJS.Timeout | null = null;
  #retryMs = firstRetryMs;
  #atOnce = segmentsAtOnce;

  constructor(deps: ShipperDeps, place: CapturePlace) {
    this.#deps = deps;
    this.#place = place;
  }

  wake(): void {
    this.#isAskedAgain = true;
    if (this.#running !== null || this.#stop.signal.aborted) return;
    if (this.#retry !== null) clearTimeout(this.#retry);
    this.#retry = null;
    this.#running = this.#work().finally(() => {
      this.#running = null;
    });
  }

  async close(): Promise<void> {
    this.#isClosing = true;
    this.wake();
    const limit = setTimeout(() => this.#stop.abort(new Error('The server closes')), this.#deps.closeMs ?? defaultCloseMs);
    await this.#running;
    clearTimeout(limit);
    this.#stop.abort();
    if (this.#retry !== null) clearTimeout(this.#retry);
  }

  /** Until nothing is left that was closed before somebody asked last. */
  async #work(): Promise<void> {
    try {
      while (this.#isAskedAgain && !this.#stop.signal.aborted) {
        this.#isAskedAgain = false;
        while (await this.#shipSome()) this.#retryMs = firstRetryMs;
      }
    } catch (error) {
      if (this.#stop.signal.aborted) return;
      this.#deps.metrics.count('perennial_capture_ship_failures_total', {});
      this.#deps.log.warn({ err: error, againInMs: this.#retryMs }, 'Cannot ship the log of predictions now: it stays on disk');
      this.#tryLater();
    }
  }

  /** Servers end although something is still to be shipped: the timer holds no process. */
  #tryLater(): void {
    if (this.#isClosing) return;
    this.#retry = setTimeout(() => this.wake(), this.#retryMs).unref();
    this.#retryMs = Math.min(longestRetryMs, this.#retryMs * 2);
  }

  /** False where nothing was left to ship. */
  async #shipSome(): Promise<boolean> {
    const failuresOf = ({ file }: SegmentFile): number => this.#failures.get(file) ?? 0;
    const all = (await closedSegments(this.#place.serverFolder)).filter((segment) => failuresOf(segment) < mostFailures);
    const segments = all.sort((left, right) => failuresOf(left) - failuresOf(right)).slice(0, this.#atOnce);
    if (segments.length === 0 || this.#stop.signal.aborted) return false;
    const keys = await this.#deps.parts.keyColumns();
    await withFolder(this.#deps, async (folder) => {
      for (const converted of await this.#convert({ segments, folder, memoryMiB, keys })) {
        await shipSegment(this.#deps, this.#place, converted);
      }
    });
    return true;
  }

  /** After a failure segments are converted one by one, so that none takes others with it. */
  async #convert(job: ConvertJob): Promise<readonly ConvertedSegment[]> {
    try {
      return await runConvert(job, this.#stop.signal);
    } catch (error) {
      const [only, ...others] = job.segments;
      if (only !== undefined && others.length === 0 && !this.#stop.signal.aborted) {
        this.#failures.set(only.file, (this.#failures.get(only.file) ?? 0) + 1);
      }
      this.#atOnce = 1;
      throw error;
    }
  }
}

/** Begins to ship what is closed below the server's folder, of this life and of those before. `wake` tells of more. */
export const startShipper = (deps: ShipperDeps, place: CapturePlace): Shipper => {
  const shipper = new SegmentShipper(deps, place);
  shipper.wake();
  return shipper;
};
