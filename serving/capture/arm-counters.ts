import type { GuardrailName } from '#domain/contracts/canary.ts';
import type { ArmName, ArmTally } from '#domain/contracts/capture.ts';
import type { DeployedRollout } from '#domain/contracts/model-version.ts';
import { sketchIndex } from '#domain/stats/summaries/ddsketch.ts';
import { hourMs, type Instant, type PipelineName, type Sha256 } from '#domain/units.ts';

/** What tells the counters of one arm from those of others. */
export type ArmIdentity = {
  readonly pipeline: PipelineName;
  readonly generation: number;
  readonly arm: ArmName;
  readonly modelSha256: Sha256;
};

/** Units of both arms of a generation, up to a bound. */
export type UnitSet = {
  /** True for a unit that was not met before; false also once no more can be remembered. */
  add(unit: number): boolean;
};

/** Some 20 MB. Beyond, no unit is counted in either arm, so that both still count the same stretch of time. */
const mostUnits = 500_000;

export const createUnitSet = (most = mostUnits): UnitSet => {
  const units = new Set<number>();
  return {
    add: (unit) => {
      if (units.size >= most || units.has(unit)) return false;
      units.add(unit);
      return true;
    },
  };
};

/** Of the sketch of latencies; the contract of the tally names it. */
const latencyAlpha = 0.01;
/** Below this a duration is none: clocks are no finer. */
const shortestSeconds = 1e-9;

export type ArmCounters = {
  readonly identity: ArmIdentity;
  /** A request that was dealt to this arm, with the units of its rows; those that are null are one, the request's own. */
  begin(units: readonly ({ readonly number: number } | null)[]): void;
  /** Its answer, or its end without one. */
  end(): void;
  event(name: GuardrailName): void;
  /** Time from arrival to answer. */
  took(seconds: number): void;
  /** An answered row; event times beyond the clock are no news of where the data's time stands. */
  answeredAt(eventMs: number, nowMs: number): void;
  compared(disagrees: boolean, difference: number): void;
  /** Resolves when no request is under way. */
  idle(): Promise<void>;
  /** The tally, where it changed since the last that was heard. */
  pending(): { readonly tally: Omit<ArmTally, 'serverId' | 'epoch' | 'sequence'>; heard(): void } | null;
  readonly quietSince: number;
};

type Options = {
  readonly identity: ArmIdentity;
  readonly units: UnitSet;
  /** Bounds of slow answers in milliseconds; null: they are not counted, and the tally does not name them. */
  readonly latencyMs: DeployedRollout['latencyMs'];
  /** The candidate of a shadow compares; nobody else does. */
  readonly isShadow: boolean;
  /** Whether scores have fences, beyond which they are out of range. */
  readonly hasFences: boolean;
  readonly now: () => number;
};

/** Every event that can be observed is named, also at zero: one that is absent was not counted. */
const observable = ({ latencyMs, hasFences }: Options): GuardrailName[] => [
  'errors',
  'timeouts',
  'shed',
  'invalid_output',
  ...(latencyMs === null ? [] : (['latency_p95', 'latency_p99'] as const)),
  ...(hasFences ? (['out_of_range'] as const) : []),
];

class CountersOfArm implements ArmCounters {
  readonly #options: Options;
  readonly #events: Map<GuardrailName, number>;
  readonly #bins = new Map<number, number>();
  readonly #shadow = { compared: 0, disagreed: 0, absoluteDifference: 0 };
  #requests = 0;
  #units = 0;
  #zeros = 0;
  #lastEventMs = Number.NEGATIVE_INFINITY;
  #underWay = 0;
  #waiting: (() => void)[] = [];
  /** Grows with every change. */
  #version = 0;
  #toldVersion = 0;
  quietSince: number;

  constructor(options: Options) {
    this.#options = options;
    this.#events = new Map(observable(options).map((name) => [name, 0]));
    this.quietSince = options.now();
  }

  get identity(): ArmIdentity {
    return this.#options.identity;
  }

  begin(units: readonly ({ readonly number: number } | null)[]): void {
    this.#underWay += 1;
    this.#requests += 1;
    let isOwn = false;
    for (const unit of units) {
      if (unit === null) isOwn = true;
      else if (this.#options.units.add(unit.number)) this.#units += 1;
    }
    if (isOwn) this.#units += 1;
    this.#version += 1;
  }

  end(): void {
    this.#underWay -= 1;
    if (this.#underWay > 0) return;
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  event(name: GuardrailName): void {
    const counted = this.#events.get(name);
    if (counted === undefined) return;
    this.#events.set(name, counted + 1);
    this.#version += 1;
  }

  took(seconds: number): void {
    this.#version += 1;
    const { latencyMs } = this.#options;
    if (latencyMs !== null) {
      if (seconds * 1_000 > latencyMs.p95) this.event('latency_p95');
      if (seconds * 1_000 > latencyMs.p99) this.event('latency_p99');
    }
    if (!(seconds >= shortestSeconds)) {
      this.#zeros += 1;
      return;
    }
    const bin = sketchIndex(seconds, latencyAlpha);
    this.#bins.set(bin, (this.#bins.get(bin) ?? 0) + 1);
  }

  answeredAt(eventMs: number, nowMs: number): void {
    if (eventMs <= this.#lastEventMs || eventMs > nowMs + hourMs) return;
    this.#lastEventMs = eventMs;
    this.#version += 1;
  }

  compared(disagrees: boolean, difference: number): void {
    this.#version += 1;
    this.#shadow.compared += 1;
    if (disagrees) this.#shadow.disagreed += 1;
    this.#shadow.absoluteDifference += difference;
  }

  idle(): Promise<void> {
    if (this.#underWay === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
    });
  }

  pending(): ReturnType<ArmCounters['pending']> {
    const version = this.#version;
    if (version === this.#toldVersion) return null;
    this.quietSince = this.#options.now();
    return {
      tally: this.#tally(),
      heard: () => {
        this.#toldVersion = Math.max(this.#toldVersion, version);
      },
    };
  }

  #tally(): Omit<ArmTally, 'serverId' | 'epoch' | 'sequence'> {
    const { identity, isShadow } = this.#options;
    return {
      ...identity,
      requests: this.#requests,
      units: this.#units,
      events: Object.fromEntries(this.#events),
      lastEventAt: Number.isFinite(this.#lastEventMs) ? (new Date(this.#lastEventMs).toISOString() as Instant) : null,
      latency: { zeros: this.#zeros, bins: Object.fromEntries(this.#bins) },
      shadow: isShadow ? { ...this.#shadow } : null,
    };
  }
}

/** Counters of the requests that one arm was dealt under one generation; cumulative over the life of the server. */
export const createArmCounters = (options: Options): ArmCounters => new CountersOfArm(options);
