import { PerennialError } from '#domain/errors.ts';
import type { RawRow } from '#domain/features/apply.ts';
import type { Logger } from '../../infra/telemetry/logger.ts';
import type { Metrics } from '../../infra/telemetry/metrics.ts';
import type { ArmCapture, Capture } from '../capture/capture.ts';
import type { Answer } from '../model/answer.ts';
import type { ModelLoader } from '../model/loader.ts';
import { lookupIn } from '../model/row-views.ts';
import type { Serving, ServingRollout } from '../model/serving.ts';
import { isShadowed } from './deal.ts';
import { eventMsOf } from './event-time.ts';
import { viewsOf } from './predict.ts';
import type { Dealt } from './rows.ts';

/** A row that the champion answered, to be asked of the candidate too. */
type Shadowed = {
  readonly serving: Serving;
  readonly input: unknown;
  readonly id: string;
  readonly nowMs: number;
  readonly answer: Answer;
};

export type Shadow = {
  /** Takes the rows of a request that the champion answered, where a candidate runs in its shadow; drops what is too much. */
  offer(dealt: Dealt, answers: readonly Answer[]): void;
  /** Resolves when nothing is waiting or under way. */
  idle(): Promise<void>;
};

type ShadowDeps = {
  readonly loader: Pick<ModelLoader, 'online' | 'current'>;
  readonly metrics: Metrics;
  readonly capture: () => Capture;
  readonly log: Logger;
};

/** Rows that wait at most; more would only be later. Each holds its request in memory, some kilobytes. */
const mostWaiting = 1_024;
/** Rows of one call. A call holds a core for as long as it takes: short ones let the champion's in between. */
const rowsAtOnce = 32;

class QueuedShadow implements Shadow {
  readonly #deps: ShadowDeps;
  #waiting: Shadowed[] = [];
  #running: Promise<void> | null = null;

  constructor(deps: ShadowDeps) {
    this.#deps = deps;
  }

  offer({ serving, rows, ids, nowMs, header }: Dealt, answers: readonly Answer[]): void {
    const { rollout, pipeline } = serving;
    if (rollout?.strategy !== 'shadow') return;
    let dropped = 0;
    for (const [place, input] of rows.entries()) {
      if (!isShadowed(rollout, input, header, ids[0] as string)) continue;
      if (this.#waiting.length >= mostWaiting) dropped += 1;
      else this.#waiting.push({ serving, input, id: ids[place] as string, nowMs, answer: answers[place] as Answer });
    }
    if (dropped > 0) this.#deps.metrics.count('perennial_shadow_dropped_total', { pipeline }, dropped);
    this.#start();
  }

  async idle(): Promise<void> {
    while (this.#running !== null) await this.#running;
  }

  #start(): void {
    if (this.#running !== null || this.#waiting.length === 0) return;
    this.#running = this.#work().finally(() => {
      this.#running = null;
      this.#start();
    });
  }

  /** Each call begins in a turn of its own, after the answers of the turn before are on their way. */
  async #work(): Promise<void> {
    while (this.#waiting.length > 0) {
      await new Promise((resolve) => setImmediate(resolve));
      await this.#askSome(this.#waiting.splice(0, rowsAtOnce));
    }
  }

  async #askSome(rows: readonly Shadowed[]): Promise<void> {
    await Promise.all(rows.map((row) => this.#ask(row)));
  }

  async #ask(shadowed: Shadowed): Promise<void> {
    const { serving } = shadowed;
    const { rollout, pipeline } = serving;
    // A candidate that was taken away meanwhile has nothing more to prove, and may be freed.
    if (rollout === null || this.#deps.loader.current(pipeline)?.rollout?.candidate.model !== rollout.candidate.model) return;
    const arm = this.#deps.capture().arm(serving, 'candidate');
    const started = performance.now();
    arm.counters.begin([null]);
    try {
      const answer = await this.#answer(arm, shadowed, rollout);
      arm.counters.took((performance.now() - started) / 1_000);
      arm.counters.compared(answer.prediction !== shadowed.answer.prediction, differenceOf(answer, shadowed.answer));
    } catch (error) {
      // The champion answered this row: whatever keeps the candidate from it is its own failure.
      arm.counters.event('errors');
      if (error instanceof PerennialError && error.code === 'PRN_SERVING_ANSWER') arm.counters.event('invalid_output');
      this.#deps.log.debug({ pipeline, err: error }, 'A candidate failed in the shadow');
    } finally {
      arm.counters.end();
    }
  }

  async #answer(arm: ArmCapture, { serving, input, id, nowMs }: Shadowed, { candidate }: ServingRollout): Promise<Answer> {
    const { model } = candidate;
    const parsed = model.parse(input, nowMs);
    if ('problems' in parsed) throw new PerennialError('PRN_SERVING_REQUEST', 'Cannot predict: the candidate refuses the row');
    const row: RawRow = parsed.row;
    const views = viewsOf(this.#deps, serving, model, [row])?.[0] ?? null;
    const [answer] = (await model.predict([row], () => lookupIn(views))) as [Answer];
    const eventMs = eventMsOf(model.featureSet, row, nowMs);
    if (arm.answered({ id, atMs: nowMs, eventMs, unit: null, row, views, answer })) arm.counters.event('out_of_range');
    return answer;
  }
}

/** How far two answers are apart: of numbers the distance, of classes half the sum of what their probabilities differ. */
const differenceOf = (one: Answer, other: Answer): number => {
  if (typeof one.prediction === 'number' && typeof other.prediction === 'number')
    return Math.abs(one.prediction - other.prediction);
  if (one.probabilities === undefined || other.probabilities === undefined) {
    return Math.abs((one.probability ?? 0) - (other.probability ?? 0));
  }
  const names = new Set([...Object.keys(one.probabilities), ...Object.keys(other.probabilities)]);
  const differences = [...names].map((name) => Math.abs((one.probabilities?.[name] ?? 0) - (other.probabilities?.[name] ?? 0)));
  return differences.reduce((sum, each) => sum + each, 0) / 2;
};

/** Asks candidates what their champions were asked, after the answers, and compares. Nobody waits for it. */
export const createShadow = (deps: ShadowDeps): Shadow => new QueuedShadow(deps);
