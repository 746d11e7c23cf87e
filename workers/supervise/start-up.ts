/** Starts what is missing, in order, and keeps it running: the heart of `perennial up`, and of the demo. */

import { PerennialError } from '#domain/errors.ts';
import type { Config } from '../../infra/config.ts';
import { migrateToLatest } from '../../infra/postgres/migrate.ts';
import { type Endpoints, forgetEndpoints, recordEndpoints, urlOf } from '../../infra/state/endpoints.ts';
import { findPort } from '../../infra/state/ports.ts';
import { openStateFolder } from '../../infra/state/state-folder.ts';
import { forgetUpRecord, type ProcessName, type ProcessStatus, tryLock, unlock } from '../../infra/state/up-record.ts';
import { findTemporalBinary } from '../../infra/temporal/binary.ts';
import { connectTemporal } from '../../infra/temporal/client.ts';
import { ensureSearchAttributes } from '../../infra/temporal/search-attributes.ts';
import { type Board, createBoard } from './board.ts';
import { type ProgramName, programArguments, programUnit } from './program-unit.ts';
import { keepOnceUsed, postgresUnit, temporalUnit } from './server-units.ts';
import { endLeftovers } from './take-over.ts';
import { superviseUnit, type Unit, type UnitSpec } from './unit.ts';

export type UpEvent =
  | { readonly kind: 'progress'; readonly line: string }
  | { readonly kind: 'process'; readonly status: ProcessStatus }
  | { readonly kind: 'ready'; readonly endpoints: Endpoints };

export type UpOptions = {
  readonly onEvent: (event: UpEvent) => void;
  /** All of them where absent; the servers beneath are always there. */
  readonly programs?: readonly ProgramName[];
  /** Given the way to stop as soon as something may run: for whoever is interrupted before all is ready. */
  readonly onStarting?: (stop: () => Promise<void>) => void;
};

export type RunningUp = {
  readonly endpoints: Endpoints;
  statuses(): readonly ProcessStatus[];
  /** Stops all in order. What was under way is continued by the next `up`: Temporal and PostgreSQL hold it. */
  stop(): Promise<void>;
};

const allPrograms = Object.keys(programArguments) as ProgramName[];
/** Stopped in these rounds: first who asks, then who answers. */
const stopRounds: readonly (readonly ProcessName[])[] = [
  ['flow', 'cpu', 'gpu'],
  ['serve', 'control'],
  ['temporal'],
  ['postgres'],
];

/** Ports that people expect; others where these are taken. */
const temporalPorts = { grpc: 7233, ui: 8233 };
const postgresPort = 5433;

class Up {
  readonly #config: Config;
  readonly #onEvent: UpOptions['onEvent'];
  readonly #programs: readonly ProgramName[];
  readonly #board: Board;
  readonly #units = new Map<ProcessName, Unit>();
  #stopped: Promise<void> | null = null;

  constructor(config: Config, options: UpOptions) {
    this.#config = config;
    this.#onEvent = options.onEvent;
    this.#programs = options.programs ?? allPrograms;
    const names: ProcessName[] = ['postgres', 'temporal', ...this.#programs];
    this.#board = createBoard(config.stateDir, names, (status) => options.onEvent({ kind: 'process', status }));
  }

  statuses(): readonly ProcessStatus[] {
    return this.#board.statuses();
  }

  async start(): Promise<Endpoints> {
    const [databaseUrl, temporal] = await Promise.all([this.#startPostgres(), this.#startTemporal()]);
    const endpoints: Endpoints = {
      databaseUrl,
      ...temporal,
      store: this.#config.store,
      serveUrl: urlOf(this.#config.host, await this.#port('serve', this.#config.port, this.#config.host)),
      controlUrl: urlOf(this.#config.host, await this.#port('control', this.#config.controlPort, this.#config.host)),
    };
    await this.#prepare(endpoints);
    recordEndpoints(this.#config, endpoints);
    await this.#startPrograms(endpoints);
    this.#onEvent({ kind: 'ready', endpoints });
    return endpoints;
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#stopAll();
    return this.#stopped;
  }

  async #stopAll(): Promise<void> {
    forgetEndpoints(this.#config);
    for (const round of stopRounds) await Promise.all(round.map((name) => this.#stopOne(name)));
    forgetUpRecord(this.#config.stateDir);
    unlock(this.#config.stateDir);
  }

  async #stopOne(name: ProcessName): Promise<void> {
    await this.#units.get(name)?.stop();
  }

  #supervise(spec: UnitSpec): Unit {
    if (this.#stopped !== null) throw new Error('Cannot start more as everything is being stopped');
    const unit = superviseUnit(spec, (change) => this.#board.change(spec.name, change));
    this.#units.set(spec.name, unit);
    return unit;
  }

  #say(line: string): void {
    this.#onEvent({ kind: 'progress', line });
  }

  async #port(what: string, wanted: number, host = '127.0.0.1'): Promise<number> {
    const found = await findPort([wanted], host);
    if (wanted !== 0 && found !== wanted) this.#say(`Port ${wanted} is taken: ${what} gets ${found}`);
    return found;
  }

  async #startPostgres(): Promise<string> {
    if (this.#config.databaseUrl !== null) {
      this.#board.change('postgres', { state: 'given', detail: 'DATABASE_URL' });
      return this.#config.databaseUrl;
    }
    const ports = keepOnceUsed(() => findPort([postgresPort]));
    const url = Promise.withResolvers<string>();
    await this.#supervise(postgresUnit(this.#config, ports, url.resolve)).ready;
    return url.promise;
  }

  async #startTemporal(): Promise<Pick<Endpoints, 'temporalAddress' | 'temporalNamespace' | 'temporalUiUrl'>> {
    const { address, namespace } = this.#config.temporal;
    if (address !== null) {
      this.#board.change('temporal', { state: 'given', detail: address });
      return { temporalAddress: address, temporalNamespace: namespace, temporalUiUrl: null };
    }
    const binary = await findTemporalBinary(this.#config, (line) => this.#say(line));
    const ports = keepOnceUsed(() => this.#port('Temporal', temporalPorts.grpc));
    const uiPorts = keepOnceUsed(() => this.#port("Temporal's UI", temporalPorts.ui));
    const { url } = await this.#supervise(temporalUnit(this.#config, binary, ports, uiPorts)).ready;
    return { temporalAddress: `127.0.0.1:${await ports.get()}`, temporalNamespace: namespace, temporalUiUrl: url };
  }

  async #prepare(endpoints: Endpoints): Promise<void> {
    const applied = await migrateToLatest(endpoints.databaseUrl);
    if (applied.length > 0) this.#say(`Brought the database up to date: ${applied.join(', ')}`);
    if (this.#config.temporal.address === null) return;
    const { connection, close } = await connectTemporal(endpoints);
    try {
      await ensureSearchAttributes(connection, endpoints.temporalNamespace);
    } finally {
      await close();
    }
  }

  async #startPrograms(endpoints: Endpoints): Promise<void> {
    const units = this.#programs.map((name) => this.#supervise(programUnit(name, this.#config, endpoints)));
    await Promise.all(units.map((unit) => unit.ready));
  }
}

/**
 * Takes the state folder, ends what an earlier one left, starts what is missing and resolves when all answer. Throws
 * PRN_CONFLICT where another process holds the folder, PRN_UNREACHABLE where something cannot be started; then
 * nothing is left running.
 */
export const startUp = async (config: Config, options: UpOptions): Promise<RunningUp> => {
  openStateFolder(config.stateDir);
  const { heldBy } = tryLock(config.stateDir);
  if (heldBy !== null) {
    throw new PerennialError(
      'PRN_CONFLICT',
      `Cannot start from "${config.stateDir}" as process ${heldBy.pid} already does: stop it with \`perennial down\``,
    );
  }
  let up: Up | null = null;
  try {
    await endLeftovers(config.stateDir, (line) => options.onEvent({ kind: 'progress', line }));
    up = new Up(config, options);
    const running = up;
    options.onStarting?.(() => running.stop());
    const endpoints = await up.start();
    return { endpoints, statuses: () => running.statuses(), stop: () => running.stop() };
  } catch (error) {
    if (up === null) unlock(config.stateDir);
    else await up.stop();
    throw error;
  }
};
