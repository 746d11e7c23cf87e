/** What the benches of the data steps share: a place of their own with a real PostgreSQL, and turns of two sides. */
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { PipelineFile } from '#domain/contracts/pipeline-spec/pipeline-spec.ts';
import { createContentStore } from '../../../infra/objects/content-store.ts';
import { openObjectStore } from '../../../infra/objects/open.ts';
import { migrateToLatest } from '../../../infra/postgres/migrate.ts';
import { startPostgres } from '../../../infra/postgres/server.ts';
import { median } from '../../support/median.ts';
import { openDataSteps } from './data-steps.ts';

export const flightsParquet = join(import.meta.dirname, '../../../node_modules/vega-datasets/data/flights-3m.parquet');
export const benchLimits = { memoryMiB: 1024, threads: availableParallelism() };

/** The flights, or a file of so many times their rows. */
export const repeatFlights = (folder: string, times: number): string => {
  if (times === 1) return flightsParquet;
  const program = join(import.meta.dirname, '../../bench/programs/repeat-flights.ts');
  const file = join(folder, 'flights.parquet');
  execFileSync(process.execPath, [program, file, String(times)]);
  return file;
};

export const flightsPipeline = (path: string, checks: NonNullable<PipelineFile['data']['checks']> = []): PipelineFile => ({
  name: 'flights',
  data: {
    source: path,
    event_time: 'date',
    label: { name: 'late', sql: 'delay > 15', known_after: '1d' },
    columns: {
      date: { type: 'timestamp' },
      delay: { type: 'integer', min: -120, max: 2000, role: 'outcome' },
      distance: { type: 'integer', min: 1, max: 6000 },
      origin: { type: 'category' },
      destination: { type: 'category' },
    },
    checks,
  },
});

type Steps = ReturnType<typeof openDataSteps>;

/** A database and a store for the length of one bench, removed afterwards. */
export const withBenchPlace = async (
  work: (steps: Steps, folder: string, freshStore: () => Steps['deps']) => Promise<void>,
): Promise<void> => {
  const folder = mkdtempSync(join(tmpdir(), 'perennial-bench-'));
  chmodSync(folder, 0o755);
  const server = await startPostgres({
    dataDir: join(folder, 'postgres'),
    outsideDir: join(folder, 'outside'),
    logFile: join(folder, 'postgres.log'),
    database: 'bench',
  });
  await migrateToLatest(server.url);
  const storeAt = (name: string) => openObjectStore({ kind: 'directory', folder: join(folder, name) });
  const objects = storeAt('store');
  const content = createContentStore(objects, join(folder, 'cache'));
  const steps = openDataSteps({ databaseUrl: server.url, folder, objects, content }, benchLimits);
  let stores = 0;
  const freshStore = (): Steps['deps'] => ({
    ...steps.deps,
    content: createContentStore(storeAt(`store-${(stores += 1)}`), join(folder, 'cache')),
  });
  try {
    await work(steps, folder, freshStore);
  } finally {
    await steps.close();
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  }
};

export type Timing = { readonly ms: number; readonly cpuMs: number };

export const timed = async (work: () => Promise<unknown>): Promise<Timing> => {
  const cpu = process.cpuUsage();
  const startedAt = performance.now();
  await work();
  const ms = performance.now() - startedAt;
  const used = process.cpuUsage(cpu);
  return { ms, cpuMs: (used.user + used.system) / 1000 };
};

const print = (text: string): void => void process.stdout.write(`${text}\n`);

/** Takes turns, so that whatever else the machine does meets both sides; compares medians of time and of processor time. */
export const compare = async (sides: {
  ours: () => Promise<Timing>;
  theirs: () => Promise<Timing>;
  named: string;
  turns: number;
  goal: number;
}): Promise<void> => {
  const [ours, theirs]: [Timing[], Timing[]] = [[], []];
  for (let turn = 1; turn <= sides.turns; turn++) {
    const [their, our] = [await sides.theirs(), await sides.ours()];
    ours.push(our);
    theirs.push(their);
    print(
      `turn ${turn}: ${sides.named} ${their.ms.toFixed(0)} ms (cpu ${their.cpuMs.toFixed(0)}), Perennial ${our.ms.toFixed(0)} ms (cpu ${our.cpuMs.toFixed(0)})`,
    );
  }
  const ratio = median(ours.map((timing) => timing.ms)) / median(theirs.map((timing) => timing.ms));
  const cpuRatio = median(ours.map((timing) => timing.cpuMs)) / median(theirs.map((timing) => timing.cpuMs));
  print(
    `medians: Perennial / ${sides.named} = ${ratio.toFixed(2)} (goal at most ${sides.goal}); in processor time ${cpuRatio.toFixed(2)}`,
  );
};

/** Highest resident memory of this process while the work runs, sampled every 20 ms. */
export const peakMemoryOf = async (work: () => Promise<unknown>): Promise<number> => {
  let peak = process.memoryUsage.rss();
  const timer = setInterval(() => {
    peak = Math.max(peak, process.memoryUsage.rss());
  }, 20);
  try {
    await work();
  } finally {
    clearInterval(timer);
  }
  return peak;
};
