/** The real `perennial serve` as a process of its own, to be killed. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { World } from './pipelines.ts';

export type ServeProcess = {
  readonly url: string;
  readonly child: ChildProcess;
  readonly log: () => string;
  end(signal: NodeJS.Signals): Promise<number | null>;
};

const main = new URL('../../../workers/cli/main.ts', import.meta.url).pathname;

export const startServeProcess = async (
  world: Pick<World, 'databaseUrl' | 'store' | 'onClose'>,
  options: { command?: 'serve' | 'control'; databaseUrl?: string; port?: number; env?: Record<string, string> } = {},
): Promise<ServeProcess> => {
  if (world.store.config.kind !== 'directory') throw new Error('Expected a directory store');
  const { command = 'serve', databaseUrl = world.databaseUrl, port = 0, env = {} } = options;
  const child = spawn(process.execPath, [main, command], {
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    env: {
      PATH: process.env['PATH'],
      HOME: process.env['HOME'],
      DATABASE_URL: databaseUrl,
      // Nobody listens there: the control plane asks in vain, and goes on asking.
      TEMPORAL_ADDRESS: '127.0.0.1:1',
      PERENNIAL_STORE: world.store.config.folder,
      PERENNIAL_STATE_DIR: `${world.store.config.folder}-state`,
      PERENNIAL_PORT: String(port),
      PERENNIAL_CONTROL_PORT: String(port),
      ...env,
    },
  });
  let log = '';
  child.stderr?.on('data', (data: Buffer) => {
    log = `${log}${data.toString()}`.slice(-50_000);
  });
  const exited = once(child, 'exit') as Promise<[number | null]>;
  const end = async (signal: NodeJS.Signals): Promise<number | null> => {
    if (child.exitCode === null && child.signalCode === null) child.kill(signal);
    return (await exited)[0];
  };
  world.onClose(async () => {
    await end('SIGKILL');
  });
  const first = await Promise.race([once(child, 'message'), exited.then(() => null)]);
  if (first === null) throw new Error(`Cannot start \`perennial ${command}\`: it ended with ${child.exitCode}\n${log}`);
  return { url: (first[0] as { url: string }).url, child, log: () => log, end };
};
