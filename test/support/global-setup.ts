/**
 * One PostgreSQL and one Temporal for a vitest run, shared by all its projects. Vitest calls `setup` once for each
 * project, in one process; the first call starts the servers and the last `teardown` ends them.
 */
import { existsSync } from 'node:fs';
import type { TestProject } from 'vitest/node';
import { type SharedServers, type SharedServersInfo, startSharedServers } from './shared-servers.ts';

declare module 'vitest' {
  interface ProvidedContext {
    servers: SharedServersInfo;
  }
}

type Holder = { users: number; servers: Promise<SharedServers> | null };
// Each project loads this module anew, so what they share lives on the process.
const key = Symbol.for('perennial.test.servers');
const processWide = globalThis as unknown as Record<symbol, Holder | undefined>;
const holder = (): Holder => {
  processWide[key] ??= { users: 0, servers: null };
  return processWide[key];
};

export const setup = async (project: TestProject): Promise<() => Promise<void>> => {
  if (!existsSync('package.json'))
    throw new Error(`Cannot start the test servers in "${process.cwd()}": run vitest in the root of the clone`);
  const shared = holder();
  shared.users += 1;
  shared.servers ??= startSharedServers();
  const servers = await shared.servers;
  project.provide('servers', servers.info);
  return async () => {
    shared.users -= 1;
    if (shared.users > 0) return;
    shared.servers = null;
    await servers.stop();
  };
};
