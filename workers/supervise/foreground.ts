/** `perennial up` in the foreground: until a signal, then everything stops in order. */
import { PerennialError } from '#domain/errors.ts';
import type { Config } from '../../infra/config.ts';
import type { Endpoints } from '../../infra/state/endpoints.ts';
import { signalProcess } from '../../infra/state/processes.ts';
import { readUpRecord } from '../../infra/state/up-record.ts';
import { tellParent } from './detached.ts';
import type { ProgramName } from './program-unit.ts';
import { startUp, type UpEvent } from './start-up.ts';

type Watcher = { show(event: UpEvent): void; say(line: string): void };

const endSignals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** For whoever cannot wait: what was under way is repeated by the next `up`, as after a power cut. */
const killAll = (stateDir: string): void => {
  for (const { identity } of readUpRecord(stateDir)?.processes ?? []) {
    if (identity !== null) signalProcess(identity, 'SIGKILL');
  }
};

/** The first signal resolves; a second one from the keyboard kills. */
const waitForSignal = (config: Config, say: (line: string) => void): { readonly signalled: Promise<string>; off(): void } => {
  const first = Promise.withResolvers<string>();
  let count = 0;
  const onSignal = (signal: NodeJS.Signals): void => {
    count += 1;
    first.resolve(signal);
    if (count !== 2 || signal !== 'SIGINT') return;
    say('Interrupted twice: killing everything');
    killAll(config.stateDir);
  };
  for (const signal of endSignals) process.on(signal, onSignal);
  return {
    signalled: first.promise,
    off: () => {
      for (const signal of endSignals) process.off(signal, onSignal);
    },
  };
};

/** Resolves when all is stopped after a signal. Throws what startUp throws. */
export const runUntilSignalled = async (
  config: Config,
  programs: readonly ProgramName[],
  watcher: Watcher,
  onReady: (endpoints: Endpoints) => void,
): Promise<void> => {
  const { signalled, off } = waitForSignal(config, watcher.say);
  let stop = (): Promise<void> => Promise.resolve();
  const onEvent = (event: UpEvent): void => {
    watcher.show(event);
    tellParent({ kind: 'up-event', event });
  };
  const started = startUp(config, { programs, onEvent, onStarting: (given) => (stop = given) });
  try {
    const first = await Promise.race([started, signalled]);
    if (typeof first !== 'string') onReady(first.endpoints);
    const signal = await signalled;
    watcher.say(`Stopping after ${signal}: workers first, then servers`);
    await stop();
    await started.catch(() => {});
  } catch (error) {
    const code = error instanceof PerennialError ? error.code : 'PRN_INTERNAL';
    tellParent({ kind: 'up-failed', code, message: error instanceof Error ? error.message : String(error) });
    throw error;
  } finally {
    off();
  }
};
