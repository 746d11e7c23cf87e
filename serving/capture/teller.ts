import type { ArmTally } from '#domain/contracts/capture.ts';
import type { Flush } from '#domain/contracts/flush.ts';
import type { Instant, PipelineName } from '#domain/units.ts';
import type { Logger } from '../../infra/telemetry/logger.ts';
import type { Metrics } from '../../infra/telemetry/metrics.ts';
import { withDeadline } from '../model/deadline.ts';
import type { ArmCounters } from './arm-counters.ts';
import type { CaptureSink } from './deps.ts';
import type { Counted, PendingWindows, WindowCounters } from './window-counters.ts';

/** All counters of a server, as they are to be told. */
export type Telling = {
  windows(): readonly { readonly pipeline: PipelineName; readonly counted: Counted; readonly windows: WindowCounters }[];
  arms(): readonly ArmCounters[];
};

export type Teller = {
  /** Tells what changed. Never rejects: what was not heard is told again with the next, as counters are cumulative. */
  tell(): Promise<void>;
  /** The counters of arms alone. */
  tellArms(): Promise<void>;
  /** A last telling, for as long as a server may take to stop. */
  close(): Promise<void>;
};

type TellerOptions = {
  readonly serverId: string;
  readonly epoch: string;
  readonly flushMs: number;
  readonly sink: Pick<CaptureSink, 'recordWindows' | 'recordArms' | 'clock' | 'recordTold'>;
  readonly telling: Telling;
  /** After each round. */
  readonly afterRound: () => Promise<void>;
  readonly log: Logger;
  readonly metrics: Metrics;
};

/** A database that is frozen rather than down must not keep counters from being told to the one that comes after it. */
const tellTimeoutMs = 10_000;
const closeTimeoutMs = 3_000;

class CumulativeTeller implements Teller {
  readonly #options: TellerOptions;
  readonly #timer: NodeJS.Timeout;
  #sequence = 0;
  /** Rounds of a kind come one after the other, so that a later sequence never holds fewer rows. */
  #windows: Promise<void> = Promise.resolve();
  #arms: Promise<void> = Promise.resolve();
  #isBusy = false;
  /** A telling of arms that has not begun: whoever asks meanwhile is content with it. */
  #armsToCome: Promise<void> | null = null;
  #isFailing = false;

  constructor(options: TellerOptions) {
    this.#options = options;
    this.#timer = setInterval(() => this.#tellUnlessBusy(), options.flushMs);
    this.#timer.unref();
  }

  #tellUnlessBusy(): void {
    if (!this.#isBusy) void this.tell();
  }

  async tell(): Promise<void> {
    this.#isBusy = true;
    // Neither waits for the other: rollouts are judged by the arms, whatever becomes of the windows.
    await Promise.all([this.tellArms(), this.#tellWindows()]);
    this.#isBusy = false;
  }

  tellArms(): Promise<void> {
    if (this.#armsToCome !== null) return this.#armsToCome;
    this.#arms = this.#arms.then(() => {
      this.#armsToCome = null;
      return this.#try(() => this.#tellPendingArms()).then(() => undefined);
    });
    this.#armsToCome = this.#arms;
    return this.#arms;
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await withDeadline(closeTimeoutMs, 'tell the last counters', this.tell()).catch(() => {});
  }

  async #tellAllWindows(): Promise<void> {
    const begun = await this.#begin();
    let isWhole = begun !== null;
    for (const { pipeline, counted, windows } of this.#options.telling.windows()) {
      const isRead = await this.#try(async () => {
        for (const pending of windows.pending()) {
          isWhole = (await this.#try(() => this.#tellPending(pipeline, counted, pending))) && isWhole;
        }
      });
      isWhole &&= isRead;
    }
    if (isWhole && begun !== null) await this.#try(() => this.#tellWhole(begun));
    await this.#try(this.#options.afterRound);
  }

  /** When this round began, by the clock of whoever hears it; null where nobody says. */
  async #begin(): Promise<Instant | null> {
    let begun: Instant | null = null;
    await this.#try(async () => {
      begun = await withDeadline(tellTimeoutMs, 'ask for the time', this.#options.sink.clock());
    });
    return begun;
  }

  /** A server with nothing to tell says so too, or a watch would wait for it. */
  #tellWhole(begun: Instant): Promise<void> {
    const { sink, serverId } = this.#options;
    return withDeadline(tellTimeoutMs, 'tell that all is told', sink.recordTold(serverId, begun));
  }

  #tellWindows(): Promise<void> {
    this.#windows = this.#windows.then(() => this.#tellAllWindows());
    return this.#windows;
  }

  /** What cannot be told keeps nothing else from being told. False where it could not. */
  async #try(work: () => Promise<void>): Promise<boolean> {
    try {
      await work();
      this.#sayHeard();
      return true;
    } catch (error) {
      this.#sayFailed(error);
      return false;
    }
  }

  async #tellPending(pipeline: PipelineName, counted: Counted, pending: PendingWindows): Promise<void> {
    const { sink, log, metrics } = this.#options;
    const flush: Flush = { ...counted, ...this.#from(pending.epoch), format: 1, windows: [...pending.windows] };
    const outcome = await withDeadline(tellTimeoutMs, 'tell counters of windows', sink.recordWindows(pipeline, flush));
    metrics.count('perennial_capture_flushes_total', { outcome: outcome.kind });
    // Told again it would be refused again; what is counted later may be taken.
    if (outcome.kind === 'refused') log.error({ pipeline, epoch: flush.epoch, reason: outcome.reason }, 'Counters were refused');
    pending.heard();
  }

  async #tellPendingArms(): Promise<void> {
    const pending = this.#options.telling.arms().flatMap((arm) => arm.pending() ?? []);
    if (pending.length === 0) return;
    const from = this.#from(this.#options.epoch);
    const tallies: ArmTally[] = pending.map(({ tally }) => ({ ...from, ...tally }));
    await withDeadline(tellTimeoutMs, 'tell counters of arms', this.#options.sink.recordArms(tallies));
    for (const { heard } of pending) heard();
    this.#options.metrics.count('perennial_capture_flushes_total', { outcome: 'recorded' });
  }

  #from(epoch: string): { serverId: string; epoch: string; sequence: number } {
    this.#sequence += 1;
    return { serverId: this.#options.serverId, epoch, sequence: this.#sequence };
  }

  #sayHeard(): void {
    if (this.#isFailing) this.#options.log.info('Counters are heard again');
    this.#isFailing = false;
  }

  #sayFailed(err: unknown): void {
    this.#options.metrics.count('perennial_capture_flushes_total', { outcome: 'failed' });
    if (!this.#isFailing) this.#options.log.warn({ err }, 'Cannot tell counters now: they are told with the next');
    this.#isFailing = true;
  }
}

/** Tells cumulative counters every so often, each with a sequence that grows; nothing here stops serving. */
export const startTeller = (options: TellerOptions): Teller => new CumulativeTeller(options);
