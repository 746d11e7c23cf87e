/** The real steps on a real database and store, and a small real pipeline, for tests of whole runs. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Client } from '@temporalio/client';
import { createRandom } from '#domain/stats/random.ts';
import type { PipelineName } from '#domain/units.ts';
import { createCpuSteps, createGpuSteps } from '../../activities/index.ts';
import { type Config, loadConfig } from '../../infra/config.ts';
import type { Endpoints } from '../../infra/state/endpoints.ts';
import type { WatchTemporal } from '../../infra/temporal/request-retrain.ts';
import { type Context, contextOf } from '../../workers/cli/context.ts';
import { applyPipeline } from '../../workers/cli/spec/apply-pipeline.ts';
import { type StartedRun, startRun } from '../../workers/cli/start-run.ts';
import { openCpuDeps, openGpuDeps } from '../../workers/deps.ts';
import type { CpuSteps, GpuSteps } from '../../workflows/steps.ts';

/** Customers who leave the more likely, the shorter they stayed and the more they pay. */
const customers = (rows: number, seed: number): string => {
  const random = createRandom(seed);
  const lines = ['customer_id,tenure,monthly_charges,contract,churned'];
  for (let row = 0; row < rows; row += 1) {
    const tenure = Math.floor(random() * 72);
    const charges = 20 + random() * 100;
    const contract = random() < 0.5 ? 'month-to-month' : 'two year';
    const score = -0.06 * tenure + 0.02 * charges + (contract === 'two year' ? -1 : 0.5);
    const churned = random() < 1 / (1 + Math.exp(-score));
    lines.push(`c${seed}-${row},${tenure},${charges.toFixed(2)},${contract},${churned}`);
  }
  return `${lines.join('\n')}\n`;
};

const pipelineFile = (name: string): string => `
name: ${name}
data:
  source: customers.csv
  key: customer_id
  label: churned
  columns:
    customer_id:     { type: string, role: ignore }
    tenure:          { type: integer, min: 0, max: 120 }
    monthly_charges: { type: number, min: 0 }
    contract:        { type: category }
    churned:         { type: boolean }
  checks:
    - { name: enough customers, sql: count(*) >= 100, severity: fail }
features:
  inputs:
    tenure:          { impute: median, scale: standard }
    monthly_charges: { impute: median, scale: standard }
    contract:        { encode: one-hot }
training:
  trainer: reference
  holdout: 30%
gate:
  metric: roc_auc
  minimum: { roc_auc: 0.6 }
`;

export const writePipeline = (folder: string, name: string, rows: number, seed = 1): string => {
  const home = join(folder, name);
  mkdirSync(home, { recursive: true });
  writeFileSync(join(home, 'customers.csv'), customers(rows, seed));
  writeFileSync(join(home, 'pipeline.yaml'), pipelineFile(name));
  return home;
};

export type RealPlace = {
  readonly context: Context;
  readonly cpu: CpuSteps;
  readonly gpu: GpuSteps;
  /** Applies a pipeline of so many rows and starts a run of it, as `perennial apply` and `perennial run` do. */
  start(client: Client, name: string, options?: { rows?: number; seed?: number; overrides?: string[] }): Promise<StartedRun>;
  close(): Promise<void>;
};

/** For tests of runs: there every run is as open as the table says, and nobody watches. */
const noWatches: WatchTemporal = {
  isOpen: async () => true,
  askForSchedule: async () => {
    throw new Error('This place was opened without watches');
  },
};

export const openRealPlace = (
  servers: Pick<Endpoints, 'databaseUrl' | 'store'>,
  folder: string,
  countPollers: (queue: string) => Promise<number>,
  watchTemporal: WatchTemporal = noWatches,
): RealPlace => {
  const config: Config = {
    ...loadConfig({
      ...process.env,
      PERENNIAL_STATE_DIR: join(folder, 'state'),
      PERENNIAL_MEMORY_MIB: '256',
      PERENNIAL_ACTOR: 'ada',
    }),
    threads: 1,
  };
  const nowhere = { temporalAddress: '', temporalNamespace: '', temporalUiUrl: null, serveUrl: '', controlUrl: '' };
  const context = contextOf(config, { ...nowhere, ...servers });
  const cpu = openCpuDeps(config, servers, countPollers, watchTemporal);
  const gpu = openGpuDeps(config, servers, () => {});
  return {
    context,
    cpu: createCpuSteps(cpu.deps),
    gpu: createGpuSteps(gpu.deps),
    start: async (client, name, { rows = 600, seed = 1, overrides = [] } = {}) => {
      await applyPipeline(context, writePipeline(folder, name, rows, seed));
      const trigger = { kind: 'command', by: 'ada', reason: 'a test' } as const;
      return startRun(context, client, { pipeline: name as PipelineName, overrides, trigger });
    },
    close: async () => {
      await Promise.all([context.close(), cpu.close(), gpu.close()]);
    },
  };
};
