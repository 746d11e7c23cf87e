/** One supervised process: started, watched, started again with back-off when it dies, stopped once. */
import { setTimeout as delay } from 'node:timers/promises';
import { endProcess, type ProcessIdentity } from '../../infra/state/processes.ts';
import type { ServerEnd } from '../../infra/state/server-process.ts';
import type { ProcessName, ProcessStatus } from '../../infra/state/up-record.ts';

export type RunningUnit = {
  readonly identity: ProcessIdentity;
  readonly url: string | null;
  /** An address where there is no URL for a browser. */
  readonly detail: string;
  readonly exited: Promise<ServerEnd>;
};

export type UnitSpec = {
  readonly name: ProcessName;
  /** Starts it and resolves when it answers; rejects with the reason where it ends before. Tells its identity at once. */
  readonly start: (onSpawn: (identity: ProcessIdentity) => void) => Promise<RunningUnit>;
  readonly stopSignal: NodeJS.Signals;
  readonly stopGraceMs: number;
};

export type Unit = {
  /** Settles with the first success; rejects where the first starts all fail. */
  readonly ready: Promise<RunningUnit>;
  stop(): Promise<void>;
};

type Change = Partial<Omit<ProcessStatus, 'name'>>;

/** Short for an accident, long for a process that cannot live: five deaths in a row are eight seconds, not a busy loop. */
const firstPauseMs = 250;
const longestPauseMs = 30_000;
/** A process that lived this long has recovered; its next death begins the pauses anew. */
const recoveredMs = 60_000;
/** Whoever waits for the first start learns of a mistake that waiting does not mend after about a second. */
const firstStartAttempts = 3;

const describeEnd = ({ exitCode, signal }: ServerEnd): string =>
  signal === null ? `ended with exit code ${exitCode}` : `was ended by ${signal}`;

class SupervisedUnit implements Unit {
  readonly ready: Promise<RunningUnit>;
  readonly #spec: UnitSpec;
  readonly #onChange: (change: Change) => void;
  readonly #stopping = new AbortController();
  readonly #loop: Promise<void>;
  #current: ProcessIdentity | null = null;
  #deaths = 0;
  #restarts = 0;
  readonly #first = Promise.withResolvers<RunningUnit>();
  #wasReady = false;

  constructor(spec: UnitSpec, onChange: (change: Change) => void) {
    this.#spec = spec;
    this.#onChange = onChange;
    this.ready = this.#first.promise;
    // Whoever stops before it was ready does not look at it any more.
    this.ready.catch(() => {});
    this.#loop = this.#run();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#onChange({ state: 'stopping', detail: '', url: null });
    if (this.#current !== null) await endProcess(this.#current, this.#spec.stopSignal, this.#spec.stopGraceMs);
    await this.#loop;
    this.#onChange({ state: 'stopped', detail: '', identity: null });
  }

  async #run(): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      const reason = await this.#live();
      if (this.#stopping.signal.aborted) break;
      if (!this.#wasReady && this.#deaths >= firstStartAttempts) break;
      await this.#pause(reason);
    }
    this.#first.reject(new Error(`"${this.#spec.name}" was stopped before it was ready`));
  }

  /** One life; returns why it ended. */
  async #live(): Promise<string> {
    this.#onChange({ state: 'starting', detail: '', restarts: this.#restarts });
    let since = performance.now();
    try {
      const running = await this.#spec.start((identity) => {
        this.#current = identity;
        this.#onChange({ identity });
        // Stopped while the program was being looked for: nobody else will end this child.
        if (this.#stopping.signal.aborted) void endProcess(identity, this.#spec.stopSignal, this.#spec.stopGraceMs);
      });
      since = performance.now();
      this.#wasReady = true;
      this.#first.resolve(running);
      if (!this.#stopping.signal.aborted)
        this.#onChange({ state: 'ready', detail: running.detail, url: running.url, identity: running.identity });
      return describeEnd(await running.exited);
    } catch (error) {
      if (this.#deaths + 1 >= firstStartAttempts) this.#first.reject(error);
      return error instanceof Error ? error.message : String(error);
    } finally {
      this.#current = null;
      this.#deaths = performance.now() - since > recoveredMs ? 1 : this.#deaths + 1;
    }
  }

  async #pause(reason: string): Promise<void> {
    const pauseMs = Math.min(firstPauseMs * 2 ** (this.#deaths - 1), longestPauseMs);
    this.#restarts += 1;
    this.#onChange({
      state: 'restarting',
      identity: null,
      restarts: this.#restarts,
      detail: `${reason}; starting again in ${pauseMs / 1000} s`,
    });
    await delay(pauseMs, undefined, { signal: this.#stopping.signal }).catch(() => {});
  }
}

export const superviseUnit = (spec: UnitSpec, onChange: (change: Change) => void): Unit => new SupervisedUnit(spec, onChange);
