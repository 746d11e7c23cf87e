/** `perennial up --detach`: the same `up` in the background, watched until it is ready. */
import { spawn } from 'node:child_process';
import { closeSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type ErrorCode, errorRegistry, PerennialError } from '#domain/errors.ts';
import type { Config } from '../../infra/config.ts';
import type { Endpoints } from '../../infra/state/endpoints.ts';
import { openLog, readTail } from '../../infra/state/server-process.ts';
import { logsFolder } from '../../infra/state/state-folder.ts';
import type { UpEvent } from './start-up.ts';

const mainFile = fileURLToPath(new URL('../cli/main.ts', import.meta.url));

/** What the one in the background tells the one that waits. */
export type UpMessage =
  | { readonly kind: 'up-event'; readonly event: UpEvent }
  | { readonly kind: 'up-failed'; readonly code: string; readonly message: string };

/** Tells a waiting `up --detach`, if there is one: it may have gone long ago. */
export const tellParent = (message: UpMessage): void => {
  if (process.connected) process.send?.(message, undefined, {}, () => {});
};

const failure = (message: Extract<UpMessage, { kind: 'up-failed' }>): PerennialError =>
  new PerennialError(message.code in errorRegistry ? (message.code as ErrorCode) : 'PRN_INTERNAL', message.message);

/** Resolves when all is ready; throws what stopped the other. An interrupt meanwhile stops the other too. */
export const startDetached = (
  config: Config,
  without: readonly string[],
  onEvent: (event: UpEvent) => void,
): Promise<Endpoints> => {
  const logFile = join(logsFolder(config.stateDir), 'up.log');
  const log = openLog(logFile);
  const parameters = without.length === 0 ? [] : ['--without', ...without];
  const child = spawn(process.execPath, [mainFile, 'up', ...parameters], { detached: true, stdio: ['ignore', log, log, 'ipc'] });
  closeSync(log);
  const interrupt = (): void => void child.kill('SIGTERM');
  process.on('SIGINT', interrupt);
  return new Promise<Endpoints>((resolve, reject) => {
    child.on('message', (message) => {
      const told = message as UpMessage;
      if (told.kind === 'up-failed') reject(failure(told));
      if (told.kind !== 'up-event') return;
      onEvent(told.event);
      if (told.event.kind === 'ready') resolve(told.event.endpoints);
    });
    child.once('error', reject);
    child.once('exit', (code) => {
      const tail = readTail(logFile, 800);
      reject(
        new PerennialError('PRN_UNREACHABLE', `Cannot start in the background: \`perennial up\` ended with ${code}: ${tail}`),
      );
    });
  }).finally(() => {
    process.off('SIGINT', interrupt);
    if (child.connected) child.disconnect();
    child.unref();
  });
};
