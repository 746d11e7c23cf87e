import type { ArmTally } from '#domain/contracts/capture.ts';
import type { Flush } from '#domain/contracts/flush.ts';
import type { Instant, PipelineName } from '#domain/units.ts';
import type { CounterGap, CountedRows as RowsOfModel } from '../../infra/postgres/tallies.ts';
import type { Logger } from '../../infra/telemetry/logger.ts';
import type { Metrics } from '../../infra/telemetry/metrics.ts';

export type { CounterGap, RowsOfModel };

/**
 * Where counters go. Each call may be repeated, come late or never; all may fail at any time, and nothing here stops
 * serving then. What is told is cumulative, so the next telling heals what was lost.
 *
 * A server that forgets windows counts later rows of them under an epoch of its own, `<epoch>.<number>`: a counter
 * would fall otherwise.
 */
export type CaptureSink = {
  /** Refused where the flush cannot be true (see `latest` of the flush ledger); telling it again would not help. */
  recordWindows(
    pipeline: PipelineName,
    flush: Flush,
  ): Promise<{ readonly kind: 'recorded' } | { readonly kind: 'refused'; readonly reason: string }>;
  recordArms(tallies: readonly ArmTally[]): Promise<void>;
  /** The instant by the clock that tellings are dated by. */
  clock(): Promise<Instant>;
  /** All windows that a server had counted by an instant of that clock are told: who waits for them need not wait on. */
  recordTold(serverId: string, until: Instant): Promise<void>;
  /** Once for each server, epoch, pipeline and model; told again it changes nothing. */
  recordGap(gap: CounterGap): Promise<void>;
  /** Rows in the windows that an epoch of a server told last, those under `<epoch>.<number>` included, by model. */
  countedRows(serverId: string, epoch: string): Promise<readonly RowsOfModel[]>;
};

/** Ships closed segments and takes them away; see `ship.ts`. */
export type Shipper = {
  /** A segment was closed. */
  wake(): void;
  /** Ships what is closed, for no longer than a server takes to stop. */
  close(): Promise<void>;
};

/**
 * What the server's capture needs. Segments lie at `<folder>/<safe server id>/<epoch>/<000001>.ndjson`, ".open" behind
 * it while they are written to.
 */
export type CaptureDeps = {
  readonly folder: string;
  /** How often counters are told. */
  readonly flushMs: number;
  /** How often the segment that is written to is closed, so that it can be shipped. */
  readonly shipMs: number;
  readonly sink: CaptureSink;
  /** Begins to ship this server's segments, those of its earlier lives included; null: they stay where they are. */
  readonly startShipper: ((place: CapturePlace) => Shipper) | null;
  readonly log: Logger;
  readonly metrics: Metrics;
};

export type CapturePlace = {
  readonly serverId: string;
  /** Folder of this server, with one folder for each epoch. */
  readonly serverFolder: string;
  /** This life of the process. */
  readonly epoch: string;
};
