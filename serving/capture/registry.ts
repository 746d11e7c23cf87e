import type { ArmName } from '#domain/contracts/capture.ts';
import type { PipelineName } from '#domain/units.ts';
import type { ServedModel } from '../model/served-model.ts';
import type { ServedVersion, Serving } from '../model/serving.ts';
import { type ArmCounters, createArmCounters, createUnitSet, type UnitSet } from './arm-counters.ts';
import { createRowCounter, type RowCounter } from './count-rows.ts';
import type { Telling } from './teller.ts';
import { type Counted, createWindowCounters, type WindowCounters } from './window-counters.ts';

export type CounterRegistry = Telling & {
  /** Counting of a model's rows; null where it has no reference profile. */
  rowsOf(model: ServedModel): RowCounter | null;
  /** Windows of an arm; null where there is no profile, and for a shadow, whose rows the champion's windows have. */
  windowsOf(serving: Serving, arm: ArmName): WindowCounters | null;
  armOf(serving: Serving, arm: ArmName): ArmCounters;
  /** Forgets what was told and then left alone. */
  forgetIdle(): void;
};

export const versionOf = (serving: Serving, arm: ArmName): ServedVersion => {
  if (arm === 'champion') return serving;
  if (serving.rollout === null) throw new TypeError(`Cannot take the candidate of "${serving.pipeline}" as it has none`);
  return serving.rollout.candidate;
};

export const isShadow = ({ rollout }: Serving, arm: ArmName): boolean => arm === 'candidate' && rollout?.strategy === 'shadow';

/** Requests of a generation that servers have left end within seconds; counters are kept far longer. */
const idleMs = 600_000;

type WindowEntry = { readonly pipeline: PipelineName; readonly counted: Counted; readonly windows: WindowCounters };

const keyOf = (...parts: readonly (string | number)[]): string => JSON.stringify(parts);

class Counters implements CounterRegistry {
  readonly #epoch: string;
  readonly #now: () => number;
  readonly #rows = new WeakMap<ServedModel, RowCounter>();
  readonly #windows = new Map<string, WindowEntry>();
  readonly #arms = new Map<string, ArmCounters>();
  readonly #units = new Map<string, UnitSet>();
  /** Epochs that each counter has used up. */
  readonly #epochs = new Map<string, number>();
  /** The newest generation of each pipeline, whose counters stay. */
  readonly #newest = new Map<PipelineName, number>();

  constructor(epoch: string, now: () => number) {
    this.#epoch = epoch;
    this.#now = now;
  }

  rowsOf(model: ServedModel): RowCounter | null {
    if (model.profile === null) return null;
    const known = this.#rows.get(model) ?? createRowCounter(model, model.profile.profile);
    this.#rows.set(model, known);
    return known;
  }

  windowsOf(serving: Serving, arm: ArmName): WindowCounters | null {
    const { pipeline } = serving;
    const { model } = versionOf(serving, arm);
    const counter = this.rowsOf(model);
    if (counter === null || model.profile === null || isShadow(serving, arm)) return null;
    const { sha256: profileSha256, profile } = model.profile;
    const key = keyOf(pipeline, arm, model.modelSha256, profileSha256);
    const known = this.#windows.get(key);
    if (known !== undefined) return known.windows;
    const takeEpoch = (): string => this.#takeEpoch(key);
    const windows = createWindowCounters({ counter, windowMs: profile.season.windowMs, takeEpoch, now: this.#now });
    this.#windows.set(key, { pipeline, counted: { arm, modelSha256: model.modelSha256, profileSha256 }, windows });
    return windows;
  }

  armOf(serving: Serving, arm: ArmName): ArmCounters {
    const { pipeline, segment: generation, rollout } = serving;
    const { model } = versionOf(serving, arm);
    const key = keyOf(pipeline, generation, arm, model.modelSha256);
    this.#newest.set(pipeline, Math.max(generation, this.#newest.get(pipeline) ?? 0));
    const known = this.#arms.get(key);
    if (known !== undefined) return known;
    const created = createArmCounters({
      identity: { pipeline, generation, arm, modelSha256: model.modelSha256 },
      units: this.#unitsOf(pipeline, generation),
      latencyMs: rollout?.latencyMs ?? null,
      isShadow: isShadow(serving, arm),
      hasFences: model.profile?.profile.scores.some(({ fences }) => fences !== null) ?? false,
      now: this.#now,
    });
    this.#arms.set(key, created);
    return created;
  }

  windows(): readonly WindowEntry[] {
    return [...this.#windows.values()];
  }

  arms(): readonly ArmCounters[] {
    return [...this.#arms.values()];
  }

  forgetIdle(): void {
    for (const { windows } of this.#windows.values()) windows.forgetIdle();
    for (const [key, arm] of this.#arms) {
      const { pipeline, generation } = arm.identity;
      // Nothing takes up the counters of an older generation again: a server never goes back to one.
      const isPast = generation !== 0 && generation < (this.#newest.get(pipeline) ?? 0);
      if (!isPast || arm.quietSince > this.#now() - idleMs || arm.pending() !== null) continue;
      this.#arms.delete(key);
      this.#units.delete(keyOf(pipeline, generation));
    }
  }

  /** Both arms of a generation share it: a unit is of one of them. */
  #unitsOf(pipeline: PipelineName, generation: number): UnitSet {
    const key = keyOf(pipeline, generation);
    const known = this.#units.get(key) ?? createUnitSet();
    this.#units.set(key, known);
    return known;
  }

  #takeEpoch(key: string): string {
    const used = this.#epochs.get(key) ?? 0;
    this.#epochs.set(key, used + 1);
    return used === 0 ? this.#epoch : `${this.#epoch}.${used}`;
  }
}

/** All counters of one life of a server. */
export const createCounterRegistry = (epoch: string, now: () => number): CounterRegistry => new Counters(epoch, now);
