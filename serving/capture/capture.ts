import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import type { ArmName } from '#domain/contracts/capture.ts';
import type { PipelineName } from '#domain/units.ts';
import { withDeadline } from '../model/deadline.ts';
import type { Serving } from '../model/serving.ts';
import type { ArmCounters } from './arm-counters.ts';
import type { CaptureDeps, Shipper } from './deps.ts';
import { isKept } from './kept.ts';
import { createLiveLedger, type LiveLedger } from './ledger.ts';
import { serverFolder } from './places.ts';
import { openPredictionLog, type PredictionLog } from './prediction-log.ts';
import { type AnsweredRow, createAnsweredLine, type RefusedRequest, refusedLine } from './record-lines.ts';
import { type LeftEpoch, recoverEpochs, settleEpoch } from './recover.ts';
import { type CounterRegistry, createCounterRegistry, isShadow, versionOf } from './registry.ts';
import { startTeller, type Teller } from './teller.ts';

/** One arm of what serves now. */
export type ArmCapture = {
  readonly counters: ArmCounters;
  /** Counts an answered row, and logs it if it is of the share that is kept. True where its score is out of range. */
  answered(row: AnsweredRow): boolean;
};

/** What a server remembers of the requests that it answers. Nothing here fails a request. */
export type Capture = {
  arm(serving: Serving, arm: ArmName): ArmCapture;
  refused(request: RefusedRequest): void;
  /** Resolves when what was logged so far is written; answers wait for it. */
  written(): Promise<void>;
  /** Tells the counters of the generations that a pipeline has left, once their last requests are answered. */
  settleArms(pipeline: PipelineName, generation: number): Promise<void>;
  close(): Promise<void>;
};

/**
 * Requests of a generation that was left are answered long before, and counters told; what hangs must not keep the server
 * from being heard of, as it would be taken for dead.
 */
const settleTimeoutMs = 1_000;

class ServerCapture implements Capture {
  readonly #deps: CaptureDeps;
  readonly #serverId: string;
  readonly #epoch = randomUUID();
  readonly #registry: CounterRegistry;
  readonly #log: PredictionLog;
  readonly #ledger: LiveLedger;
  readonly #teller: Teller;
  readonly #rotation: NodeJS.Timeout;
  readonly #arms = new WeakMap<Serving, Map<ArmName, ArmCapture>>();
  readonly #folder: string;
  readonly #started: Promise<void>;
  /** Epochs that were taken up, this one included. */
  readonly #known: Set<string>;
  #left: LeftEpoch[] = [];
  #isAllRecovered = false;
  #isClosing = false;
  #shipper: Shipper | null = null;

  constructor(deps: CaptureDeps, serverId: string) {
    this.#deps = deps;
    this.#serverId = serverId;
    const { flushMs, shipMs, sink, log, metrics } = deps;
    const folder = serverFolder(deps.folder, serverId);
    const epoch = this.#epoch;
    this.#folder = folder;
    this.#known = new Set([epoch]);
    this.#registry = createCounterRegistry(epoch, () => performance.now());
    this.#ledger = createLiveLedger(join(folder, epoch), (err) => log.error({ err }, 'Cannot write the ledger of the log'));
    this.#log = openPredictionLog({
      folder: join(folder, epoch),
      log,
      metrics,
      onRotated: (segment) => this.#onRotated(segment),
    });
    const afterRound = (): Promise<void> => this.#afterRound();
    this.#teller = startTeller({ serverId, epoch, flushMs, sink, telling: this.#registry, afterRound, log, metrics });
    this.#rotation = setInterval(() => this.#log.rotate(), shipMs);
    this.#rotation.unref();
    this.#started = this.#start();
  }

  arm(serving: Serving, arm: ArmName): ArmCapture {
    const known = this.#arms.get(serving)?.get(arm);
    if (known !== undefined) return known;
    const created = this.#createArm(serving, arm);
    const arms = this.#arms.get(serving) ?? new Map<ArmName, ArmCapture>();
    this.#arms.set(serving, arms.set(arm, created));
    return created;
  }

  refused(request: RefusedRequest): void {
    this.#log.append(refusedLine(request));
  }

  written(): Promise<void> {
    return this.#log.written();
  }

  async settleArms(pipeline: PipelineName, generation: number): Promise<void> {
    const left = this.#registry
      .arms()
      .filter(({ identity }) => identity.pipeline === pipeline && identity.generation !== generation);
    const idle = Promise.all(left.map((arm) => arm.idle()));
    await withDeadline(settleTimeoutMs, 'wait for the last answers', idle).catch(() => {});
    await withDeadline(settleTimeoutMs, 'tell the last counters', this.#teller.tellArms()).catch(() => {});
  }

  async close(): Promise<void> {
    clearInterval(this.#rotation);
    await this.#started;
    this.#isClosing = true;
    await this.#log.close();
    await Promise.all([this.#teller.close(), this.#shipper?.close()]);
  }

  #createArm(serving: Serving, arm: ArmName): ArmCapture {
    const { pipeline, generation, captured } = serving;
    const { version, model } = versionOf(serving, arm);
    const line = createAnsweredLine({ pipeline, version, generation, arm, shadow: isShadow(serving, arm), model });
    const counters = this.#registry.armOf(serving, arm);
    const windows = this.#registry.windowsOf(serving, arm);
    const rows = this.#registry.rowsOf(model);
    const answered = windows === null ? null : this.#ledger.of(pipeline, model.modelSha256);
    const logRow = (row: AnsweredRow): void => {
      if (answered !== null) answered.rows += 1;
      // The log alone does not tell how many were answered where it lacks most of them.
      if (isKept(row.id, captured)) this.#log.append(line(row, captured < 1 ? (answered?.rows ?? null) : null));
    };
    const countWindow = ({ eventMs, row, views, answer }: AnsweredRow): void => {
      if (windows === null) return;
      const lost = windows.count(eventMs, row, views, answer);
      if (lost > 0) this.#deps.metrics.count('perennial_capture_uncounted_rows_total', { pipeline }, lost);
    };
    return {
      counters,
      answered: (row) => {
        logRow(row);
        counters.answeredAt(row.eventMs, row.atMs);
        countWindow(row);
        return rows?.isOutside(row.answer) ?? false;
      },
    };
  }

  /** Before anything is shipped: what earlier lives logged is counted from their segments. */
  async #start(): Promise<void> {
    try {
      await this.#recover();
    } catch (err) {
      const folder = this.#folder;
      this.#deps.log.error(
        { err, folder },
        'Cannot take up what an earlier life of this server logged: nothing is shipped until it can',
      );
    }
  }

  /** Where the life before is still at its last answers, its log is taken up in a later round. */
  async #recover(): Promise<void> {
    const { left, owned } = await recoverEpochs(this.#folder, this.#known, Date.now(), this.#deps.log);
    for (const { epoch } of left) this.#known.add(epoch);
    this.#left.push(...left);
    this.#isAllRecovered = owned.length === 0;
    if (this.#shipper === null) this.#startShipper();
    else if (left.length > 0) this.#shipper.wake();
  }

  #startShipper(): void {
    const place = { serverId: this.#serverId, serverFolder: this.#folder, epoch: this.#epoch };
    if (!this.#isClosing) this.#shipper = this.#deps.startShipper?.(place) ?? null;
  }

  #onRotated(segment: number): void {
    this.#ledger.closed(segment);
    this.#shipper?.wake();
  }

  async #afterRound(): Promise<void> {
    this.#registry.forgetIdle();
    await this.#started;
    if (!this.#isAllRecovered) await this.#recover();
    while (this.#left[0] !== undefined) {
      await settleEpoch(this.#deps.sink, this.#serverId, this.#left[0], this.#deps.log);
      this.#left.shift();
    }
  }
}

/** Begins a life of the server `serverId`: a log and counters of their own, after those that a killed process left. */
export const openCapture = (deps: CaptureDeps, serverId: string): Capture => new ServerCapture(deps, serverId);

const nothing = (): void => {};
const noCounters: ArmCounters = {
  identity: { pipeline: '' as PipelineName, generation: 0, arm: 'champion', modelSha256: '' as never },
  begin: nothing,
  end: nothing,
  event: nothing,
  took: nothing,
  answeredAt: nothing,
  compared: nothing,
  idle: () => Promise.resolve(),
  pending: () => null,
  quietSince: 0,
};
const noArm: ArmCapture = { counters: noCounters, answered: () => false };

/** For a server that remembers nothing: a rollout on it is blind. */
export const noCapture: Capture = {
  arm: () => noArm,
  refused: nothing,
  written: () => Promise.resolve(),
  settleArms: () => Promise.resolve(),
  close: () => Promise.resolve(),
};
