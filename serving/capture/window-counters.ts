import type { Flush, WindowTally } from '#domain/contracts/flush.ts';
import type { RawRow } from '#domain/features/apply.ts';
import type { Instant } from '#domain/units.ts';
import type { Answer } from '../model/answer.ts';
import type { RowViews } from '../model/row-views.ts';
import type { Counters, RowCounter } from './count-rows.ts';
import { RecentWindows, windowsToGiveUp } from './window-room.ts';

type Window = {
  /** Epoch under which it is told; see `takeEpoch`. */
  readonly epoch: string;
  readonly counters: Counters;
  rows: number;
  /** Rows of the last telling that was heard. */
  toldRows: number;
  touchedAt: number;
};

/** A part of a flush that can be told, and how to say that it was heard. */
export type PendingWindows = {
  readonly epoch: string;
  readonly windows: readonly WindowTally[];
  heard(): void;
};

export type WindowCounters = {
  /**
   * Counts an answered row into the window of its event time. Where too many windows are open, what lies far from most rows
   * is given up. Returns the rows that no counter has because of it: 0, as a rule.
   */
  count(eventMs: number, row: RawRow, views: RowViews, answer: Answer): number;
  /** Windows with rows that nobody heard of, by epoch. */
  pending(): PendingWindows[];
  /** Forgets windows that were told and then left alone. */
  forgetIdle(): void;
  isEmpty(): boolean;
};

/** What names the counters in a flush. */
export type Counted = Pick<Flush, 'arm' | 'modelSha256' | 'profileSha256'>;

type Options = {
  readonly counter: RowCounter;
  readonly windowMs: number;
  /**
   * An epoch in which these counters told of no window so far. Counters begin at zero again when a window was forgotten,
   * and within one epoch a counter must never fall.
   */
  readonly takeEpoch: () => string;
  /** Monotonic milliseconds. */
  readonly now: () => number;
};

/** Event times come from clients: one that makes them up must not fill the memory. A window takes some 10 KB. */
export const mostWindows = 1_000;
/** Late rows usually come by then; after it they cost another row of the table. */
const idleMs = 600_000;
/** Windows of one flush: some megabytes of JSON at most. */
const windowsAtOnce = 100;

const instantOf = (epochMs: number): Instant => new Date(epochMs).toISOString() as Instant;

class ModelWindows implements WindowCounters {
  readonly #options: Options;
  readonly #windows = new Map<number, Window>();
  readonly #recent = new RecentWindows();
  #epoch: string;
  /** The window of the row before: most rows are of the same. */
  #lastNumber = Number.NaN;
  #last: Window | null = null;

  constructor(options: Options) {
    this.#options = options;
    this.#epoch = options.takeEpoch();
  }

  count(eventMs: number, row: RawRow, views: RowViews, answer: Answer): number {
    const number = Math.floor(eventMs / this.#options.windowMs);
    this.#recent.note(number);
    const isOpen = number === this.#lastNumber || this.#windows.has(number);
    const lost = isOpen || this.#windows.size < mostWindows ? 0 : this.#makeRoom(number);
    const window = number === this.#lastNumber ? this.#last : this.#open(number);
    if (window === null) return 1;
    this.#options.counter.count(window.counters, row, views, answer);
    window.rows += 1;
    return lost;
  }

  pending(): PendingWindows[] {
    const byEpoch = new Map<string, [number, Window][]>();
    const now = this.#options.now();
    for (const [number, window] of this.#windows) {
      if (window.rows === window.toldRows) continue;
      window.touchedAt = now;
      byEpoch.set(window.epoch, [...(byEpoch.get(window.epoch) ?? []), [number, window]]);
    }
    return [...byEpoch].flatMap(([epoch, windows]) => inPortions(windows).map((portion) => this.#toTell(epoch, portion)));
  }

  forgetIdle(): void {
    const before = this.#options.now() - idleMs;
    const isIdle = ({ rows, toldRows, touchedAt }: Window): boolean => rows === toldRows && touchedAt <= before;
    this.#forget([...this.#windows].filter(([, window]) => isIdle(window)).map(([number]) => number));
  }

  isEmpty(): boolean {
    return this.#windows.size === 0;
  }

  /** Rows that were counted and that nobody will hear of. */
  #makeRoom(wanted: number): number {
    const occupants = Array.from(this.#windows, ([number, { rows, toldRows }]) => ({ number, isTold: rows === toldRows }));
    return this.#forget(windowsToGiveUp(occupants, wanted, this.#recent.middle()));
  }

  #forget(numbers: readonly number[]): number {
    if (numbers.length === 0) return 0;
    let untold = 0;
    for (const number of numbers) {
      const window = this.#windows.get(number);
      if (window !== undefined) untold += window.rows - window.toldRows;
      this.#windows.delete(number);
    }
    this.#lastNumber = Number.NaN;
    this.#epoch = this.#options.takeEpoch();
    return untold;
  }

  #open(number: number): Window | null {
    const window = this.#windows.get(number) ?? this.#add(number);
    if (window === null) return null;
    this.#lastNumber = number;
    this.#last = window;
    return window;
  }

  #add(number: number): Window | null {
    if (this.#windows.size >= mostWindows) return null;
    const touchedAt = this.#options.now();
    const window = { epoch: this.#epoch, counters: this.#options.counter.empty(), rows: 0, toldRows: 0, touchedAt };
    this.#windows.set(number, window);
    return window;
  }

  #toTell(epoch: string, windows: readonly [number, Window][]): PendingWindows {
    const { windowMs, counter } = this.#options;
    const told = windows.map(([, window]) => ({ window, rows: window.rows }));
    return {
      epoch,
      windows: windows.map(([number, { rows, counters }]) => ({
        from: instantOf(number * windowMs),
        to: instantOf((number + 1) * windowMs),
        rows,
        ...counter.read(counters),
      })),
      heard: () => {
        for (const { window, rows } of told) window.toldRows = Math.max(window.toldRows, rows);
      },
    };
  }
}

const inPortions = <T>(items: readonly T[]): T[][] =>
  Array.from({ length: Math.ceil(items.length / windowsAtOnce) }, (_, index) =>
    items.slice(index * windowsAtOnce, (index + 1) * windowsAtOnce),
  );

/** Counters of one arm, model and profile by window of event time; cumulative, one array of numbers for each window. */
export const createWindowCounters = (options: Options): WindowCounters => new ModelWindows(options);
