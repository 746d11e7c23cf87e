/** Opens what steps need of the world, from the addresses of its servers. */
import { join } from 'node:path';
import type { CpuDeps, GpuDeps } from '../activities/deps.ts';
import { createCompareArmsOnLabels } from '../activities/watch/compare-arms.ts';
import type { Config } from '../infra/config.ts';
import { createContentStore } from '../infra/objects/content-store.ts';
import { openObjectStore } from '../infra/objects/open.ts';
import type { ObjectStore } from '../infra/objects/store.ts';
import { createDecisions } from '../infra/postgres/decisions.ts';
import { createDefinitions } from '../infra/postgres/definitions.ts';
import { createDeployments } from '../infra/postgres/deployments.ts';
import { createLabels } from '../infra/postgres/labels.ts';
import { createNotices } from '../infra/postgres/notices.ts';
import { createOnlineFeatures } from '../infra/postgres/online-features.ts';
import { type Db, openDatabase } from '../infra/postgres/pool.ts';
import { createPredictionParts } from '../infra/postgres/prediction-parts.ts';
import { createQuarantine } from '../infra/postgres/quarantine.ts';
import { createRegistry } from '../infra/postgres/registry.ts';
import { besideCollection } from '../infra/postgres/retention.ts';
import { createRollouts } from '../infra/postgres/rollouts.ts';
import { createRuns } from '../infra/postgres/runs.ts';
import { createSnapshots } from '../infra/postgres/snapshots.ts';
import { createStepLedger } from '../infra/postgres/step-ledger.ts';
import { createTallies } from '../infra/postgres/tally-totals.ts';
import { createWatchEvidence } from '../infra/postgres/watch-evidence.ts';
import { createWatchLooks } from '../infra/postgres/watch-looks.ts';
import { createWatchReports } from '../infra/postgres/watch-reports.ts';
import { applyRetention, garbageGraceMs } from '../infra/retention/apply-retention.ts';
import { createOpenSource } from '../infra/sources/open.ts';
import type { Endpoints } from '../infra/state/endpoints.ts';
import type { WatchTemporal } from '../infra/temporal/request-retrain.ts';
import { resolveTrainer } from '../infra/trainer/resolve.ts';
import { openScratch } from './scratch.ts';

type Opened<Deps> = { readonly deps: Deps; close(): Promise<void> };
type OfCpu = 'limits' | 'countPollers' | 'openSource' | 'watch' | 'compareArmsOnLabels' | 'applyRetention' | 'besideCollection';
type SharedDeps = Omit<CpuDeps, OfCpu>;
type Shared = Opened<SharedDeps> & { readonly db: Db; readonly objects: ObjectStore };

/** Workers of one state folder share its cache of verified content; each role has scratch folders of its own. */
const openSharedDeps = ({ stateDir }: Config, { databaseUrl, store }: Servers, role: string): Shared => {
  const database = openDatabase(databaseUrl);
  const { db } = database;
  const objects = openObjectStore(store);
  const deps = {
    ledger: createStepLedger(db),
    definitions: createDefinitions(db),
    runs: createRuns(db),
    snapshots: createSnapshots(db),
    registry: createRegistry(db),
    deployments: createDeployments(db),
    rollouts: createRollouts(db),
    tallies: createTallies(db),
    onlineFeatures: createOnlineFeatures(db),
    decisions: createDecisions(db),
    notices: createNotices(db),
    content: createContentStore(objects, join(stateDir, 'content-cache')),
    scratch: openScratch(join(stateDir, 'scratch', role)),
  };
  return { deps, db, objects, close: () => database.close() };
};

type Servers = Pick<Endpoints, 'databaseUrl' | 'store'>;

const openWatchDeps = (db: Db, sources: CpuDeps['watch']['sources'], temporal: WatchTemporal): CpuDeps['watch'] => ({
  evidence: createWatchEvidence(db),
  looks: createWatchLooks(db),
  reports: createWatchReports(db),
  quarantine: createQuarantine(db),
  tallies: createTallies(db),
  predictionParts: createPredictionParts(db),
  labels: createLabels(db),
  findRun: createRuns(db).get,
  sources,
  temporal,
});

export const openCpuDeps = (
  config: Config,
  servers: Servers,
  countPollers: CpuDeps['countPollers'],
  temporal: WatchTemporal,
): Opened<CpuDeps> => {
  const { deps, db, objects, close } = openSharedDeps(config, servers, 'cpu');
  const { memoryMiB, threads, cacheDir, s3 } = config;
  const openSource = createOpenSource({ cacheFolder: cacheDir, s3 });
  const watch = openWatchDeps(db, { cacheFolder: cacheDir, s3 }, temporal);
  const limits = { memoryMiB, threads };
  const compareArmsOnLabels = createCompareArmsOnLabels({ ...deps, ...watch, limits });
  const applyAll: CpuDeps['applyRetention'] = (options) =>
    applyRetention({ db, objects, content: deps.content }, options, { graceMs: garbageGraceMs, nowMs: Date.now() });
  const beside: CpuDeps['besideCollection'] = (work) => besideCollection(db, work);
  const own = { watch, compareArmsOnLabels, applyRetention: applyAll, besideCollection: beside };
  return { deps: { ...deps, ...own, limits, countPollers, openSource }, close };
};

/** `say` hears of the long work of setting a trainer's environment up. */
export const openGpuDeps = (config: Config, servers: Servers, say: (line: string) => void): Opened<GpuDeps> => {
  const { deps, close } = openSharedDeps(config, servers, 'gpu');
  const checkpointRoot = join(config.stateDir, 'checkpoints');
  return { deps: { ...deps, resolveTrainer: resolveTrainer(config, say), checkpointRoot, threads: config.threads }, close };
};
