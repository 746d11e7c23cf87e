/** Opens what steps need of the world, from the addresses of its servers. */
import { join } from 'node:path';
import type { CpuDeps } from '../activities/deps.ts';
import { createContentStore } from '../infra/objects/content-store.ts';
import { openObjectStore } from '../infra/objects/open.ts';
import { createDefinitions } from '../infra/postgres/definitions.ts';
import { createDeployments } from '../infra/postgres/deployments.ts';
import { createOnlineFeatures } from '../infra/postgres/online-features.ts';
import { openDatabase } from '../infra/postgres/pool.ts';
import { createRegistry } from '../infra/postgres/registry.ts';
import { createRuns } from '../infra/postgres/runs.ts';
import { createSnapshots } from '../infra/postgres/snapshots.ts';
import { createStepLedger } from '../infra/postgres/step-ledger.ts';
import type { Endpoints } from '../infra/state/endpoints.ts';
import { openScratch } from './scratch.ts';

export type SharedDeps = Omit<CpuDeps, 'limits' | 'countPollers' | 'openSource'>;

/** Workers of one state folder share its cache of verified content; each role has scratch folders of its own. */
export const openSharedDeps = (
  { databaseUrl, store }: Pick<Endpoints, 'databaseUrl' | 'store'>,
  stateDir: string,
  role: string,
): { readonly deps: SharedDeps; close(): Promise<void> } => {
  const database = openDatabase(databaseUrl);
  const { db } = database;
  const deps = {
    ledger: createStepLedger(db),
    definitions: createDefinitions(db),
    runs: createRuns(db),
    snapshots: createSnapshots(db),
    registry: createRegistry(db),
    deployments: createDeployments(db),
    onlineFeatures: createOnlineFeatures(db),
    content: createContentStore(openObjectStore(store), join(stateDir, 'content-cache')),
    scratch: openScratch(join(stateDir, 'scratch', role)),
  };
  return { deps, close: () => database.close() };
};
