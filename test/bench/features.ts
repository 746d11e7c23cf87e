/**
 * Point-in-time features of all flights (7-day rate by origin, 28-day rate by route, the label known a day later),
 * Parquet to Parquet: our ingest and our views against the one DuckDB statement that computes the same from the raw
 * file. Both sides in one run, in turns, with the same threads, the statement with twice the memory; the values are compared at the end.
 * Parameters: [times the rows, 1] [turns, 3]. No turns at all: our side once, for the memory that it takes alone.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DatasetManifest, DatasetPart } from '#domain/contracts/dataset.ts';
import { pipelineSpecSchema } from '#domain/contracts/pipeline-spec/pipeline-spec.ts';
import type { Instant, PipelineName } from '#domain/units.ts';
import { writePrepared } from '../../infra/features/prepare.ts';
import { allFiles, attachSnapshot, fetchSnapshot } from '../../infra/features/snapshot.ts';
import { compileViews } from '../../infra/features/views.ts';
import { createContentStore } from '../../infra/objects/content-store.ts';
import { openObjectStore } from '../../infra/objects/open.ts';
import type { ContentStore } from '../../infra/objects/store.ts';
import { withDuckDb } from '../../infra/tabular/duckdb.ts';
import { ingestTable, type TableResult } from '../../infra/tabular/ingest-table.ts';
import { createRejectsTable } from '../../infra/tabular/rejects.ts';
import { quoteText } from '../../infra/tabular/sql.ts';
import { stageObject } from '../../infra/tabular/stage.ts';
import { repeatFlights } from '../activities/support/data-bench.ts';
import { flightsData } from '../support/flights-data.ts';
import { median } from '../support/median.ts';

/** Issue 3: ingest and features together, as a multiple of the one statement. */
const goal = 1.5;
const threads = availableParallelism();
/** As a worker has them by default. */
const limits = { memoryMiB: 256, threads };
/** The statement with less would spend its time on the disk. */
const roomy = { memoryMiB: 1024, threads };

const spec = pipelineSpecSchema.parse({
  name: 'flights',
  data: flightsData('flights.parquet', 'delay > 15'),
  features: {
    views: {
      origin_7d: { entity: 'origin', window: '7d', values: { late_rate: 'avg(late)' } },
      route_28d: { entity: ['origin', 'destination'], window: '28d', values: { late_rate: 'avg(late)' } },
    },
  },
});
const wanted = new Set(['origin_7d.late_rate', 'route_28d.late_rate']);

const timed = async <T>(work: () => Promise<T>): Promise<{ ms: number; result: T }> => {
  const startedAt = performance.now();
  const result = await work();
  return { ms: performance.now() - startedAt, result };
};

/** The statement that a practised hand would write: both windows over one scan. */
const oneStatement = (folder: string, raw: string, to: string): Promise<void> =>
  withDuckDb({ folder, ...roomy, allowedFolders: [raw] }, (db) =>
    db.run(`COPY (SELECT *, delay > 15 AS late,
        avg(CAST(delay > 15 AS INTEGER)) OVER (PARTITION BY origin ORDER BY date RANGE BETWEEN INTERVAL 7 DAY PRECEDING AND INTERVAL 1 DAY PRECEDING) AS "origin_7d.late_rate",
        avg(CAST(delay > 15 AS INTEGER)) OVER (PARTITION BY origin, destination ORDER BY date RANGE BETWEEN INTERVAL 28 DAY PRECEDING AND INTERVAL 1 DAY PRECEDING) AS "route_28d.late_rate"
      FROM read_parquet(${quoteText(raw)})) TO ${quoteText(to)} (FORMAT parquet, COMPRESSION snappy)`),
  );

const ingest = (folder: string, raw: string, content: ContentStore): Promise<TableResult> =>
  withDuckDb({ folder, ...limits, allowedFolders: [raw] }, async (db) => {
    await db.run(createRejectsTable);
    const object = await stageObject({ db, folder, index: 'main-0', source: 'main', key: 'flights.parquet' }, 'parquet', raw);
    if (object === null) throw new Error(`Cannot read "${raw}"`);
    const lanes = [db];
    while (lanes.length < limits.threads) lanes.push(await db.another());
    return ingestTable({
      lanes,
      folder,
      source: 'main',
      objects: [object],
      data: spec.data,
      frozen: null,
      cutoff: null,
      memoryMiB: limits.memoryMiB,
      put: (file) => content.putFile(file),
      onPart: () => {},
    });
  });

const manifestOf = (table: TableResult): DatasetManifest => ({
  format: 1,
  pipeline: 'flights' as PipelineName,
  schema: table.schema,
  parts: table.parts.map(({ isNew: _isNew, ...part }): DatasetPart => part),
  rows: table.rows,
  bytes: 0,
  eventTime: table.eventTime as { first: Instant; last: Instant },
  cutoff: null,
  quarantined: { rows: 0, sha256: null },
  rejected: { rows: 0, sha256: null },
});

const whole = { kind: 'hash', trainFrom: null, holdoutFrom: null, holdoutTo: null, sideSql: '0', earliestMs: null } as const;

const features = async (folder: string, manifest: DatasetManifest, content: ContentStore, to: string): Promise<void> => {
  const files = await fetchSnapshot(manifest, content);
  await withDuckDb({ folder, ...limits, allowedFolders: allFiles(files) }, async (db) => {
    await attachSnapshot(db, files);
    const views = await compileViews(db, spec.features.views, manifest.schema, []);
    await writePrepared(db, { views, extra: [], split: whole, eventTime: 'date', wanted }, to);
  });
};

type Turn = { readonly statement: number; readonly ingest: number; readonly features: number };

const takeOurs = async (folder: string, raw: string, to: string): Promise<Omit<Turn, 'statement'>> => {
  const content = createContentStore(
    openObjectStore({ kind: 'directory', folder: join(folder, 'store') }),
    join(folder, 'cache'),
  );
  const ingested = await timed(() => ingest(join(folder, 'b'), raw, content));
  const made = await timed(() => features(join(folder, 'c'), manifestOf(ingested.result), content, to));
  return { ingest: ingested.ms, features: made.ms };
};

const takeTurn = async (root: string, raw: string): Promise<Turn> => {
  const folder = mkdtempSync(join(root, 'turn-'));
  try {
    const [theirs, ours] = [join(folder, 'a', 'statement.parquet'), join(folder, 'c', 'ours.parquet')];
    const statement = await timed(() => oneStatement(join(folder, 'a'), raw, theirs));
    const took = await takeOurs(folder, raw, ours);
    await compare(folder, theirs, ours);
    return { statement: statement.ms, ...took };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};

/** A bench of two sides that compute different things would compare nothing. */
const compare = async (folder: string, theirs: string, ours: string): Promise<void> => {
  const sums = [...wanted].map((name) => `sum("${name}") AS "sum ${name}", count("${name}") AS "count ${name}"`).join(', ');
  const read = (file: string) =>
    withDuckDb({ folder: join(folder, 'compare'), ...limits, allowedFolders: [file] }, (db) =>
      db.row<Record<string, number>>(`SELECT count(*) AS rows, ${sums} FROM read_parquet(${quoteText(file)})`),
    );
  const [left, right] = [await read(theirs), await read(ours)];
  for (const [name, value] of Object.entries(left)) {
    const other = right[name] as number;
    if (Math.abs(value - other) > 1e-9 * Math.abs(value))
      throw new Error(`Cannot compare: ${name} is ${value} by the statement and ${other} by us`);
  }
};

const mostResidentMiB = (): number => Math.round(process.resourceUsage().maxRSS / 1024);

export const run = async ([times = '1', turns = '3']: readonly string[]): Promise<void> => {
  const root = mkdtempSync(join(tmpdir(), 'perennial-bench-'));
  try {
    const raw = repeatFlights(root, Number(times));
    if (Number(turns) === 0) {
      await takeOurs(root, raw, join(root, 'c', 'ours.parquet'));
      process.stdout.write(
        `most resident memory of our side alone: ${mostResidentMiB()} MiB at ${3 * Number(times)},000,000 rows\n`,
      );
      return;
    }
    const taken: Turn[] = [];
    for (let turn = 0; turn < Number(turns); turn += 1) {
      const took = await takeTurn(root, raw);
      taken.push(took);
      const shown = Object.entries(took).map(([name, ms]) => `${name} ${(ms / 1000).toFixed(2)} s`);
      process.stdout.write(`turn ${turn + 1}: ${shown.join(', ')}\n`);
    }
    const of = (name: keyof Turn): number => median(taken.map((turn) => turn[name]));
    const alone = of('features') / of('statement');
    const together = median(taken.map((turn) => (turn.ingest + turn.features) / turn.statement));
    process.stdout.write(
      `\n${3 * Number(times)},000,000 rows, ${threads} threads, ${limits.memoryMiB} MiB (the statement ${roomy.memoryMiB}), middle of ${turns} turns\n` +
        `one DuckDB statement      ${(of('statement') / 1000).toFixed(2)} s\n` +
        `features                  ${(of('features') / 1000).toFixed(2)} s  ratio ${alone.toFixed(2)} (goal at most 1.2)\n` +
        `ingest and features       ${((of('ingest') + of('features')) / 1000).toFixed(2)} s  ratio ${together.toFixed(2)} (goal at most ${goal})\n` +
        `most resident memory      ${mostResidentMiB()} MiB, both sides in one process\n`,
    );
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
};
