/**
 * Labels, and what they say. First POST /labels in batches, over HTTP into PostgreSQL, new ones and the same again. Then one
 * measurement of performance over shipped predictions of a week with their labels: join, lag curve, seven windows against
 * the reference. PostgreSQL is a process of its own; the server and its clients share one.
 * Parameters: [predictions, 1000000] [labels in a batch, 1000].
 */
import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipelineSpecSchema } from '#domain/contracts/pipeline-spec/pipeline-spec.ts';
import type { Instant, PipelineName } from '#domain/units.ts';
import { measurePerformance } from '../../activities/watch/measure-performance.ts';
import { createLabelIntake } from '../../infra/capture/open-intake.ts';
import { createContentStore } from '../../infra/objects/content-store.ts';
import { sha256Of } from '../../infra/objects/digest.ts';
import { openObjectStore } from '../../infra/objects/open.ts';
import { createDefinitions } from '../../infra/postgres/definitions.ts';
import { createDeployments } from '../../infra/postgres/deployments.ts';
import { createLabels } from '../../infra/postgres/labels.ts';
import { migrateToLatest } from '../../infra/postgres/migrate.ts';
import { createOnlineFeatures } from '../../infra/postgres/online-features.ts';
import { openDatabase } from '../../infra/postgres/pool.ts';
import { createPredictionParts } from '../../infra/postgres/prediction-parts.ts';
import { createRegistry } from '../../infra/postgres/registry.ts';
import { startPostgres } from '../../infra/postgres/server.ts';
import { createSnapshots } from '../../infra/postgres/snapshots.ts';
import { createTallies } from '../../infra/postgres/tally-totals.ts';
import { withDuckDb } from '../../infra/tabular/duckdb.ts';
import { silentLogger } from '../../infra/telemetry/logger.ts';
import { startPredictServer } from '../../serving/predict/server.ts';
import { openScratch } from '../../workers/scratch.ts';
import { day, fileOf, hour, packageOf, referenceOf, start } from '../activities/support/truth-parts.ts';

const pipeline = 'flights' as PipelineName;
const days = 7;
const say = (line: string): void => void process.stdout.write(`${line}\n`);
const perSecond = (count: number, ms: number): string => `${Math.round((count / ms) * 1_000).toLocaleString('en')} a second`;
/** Processor time of this process beside wall time: on a machine that does other things too it is what can be compared. */
const timed = async <T>(work: () => Promise<T>): Promise<{ ms: number; cpuMs: number; result: T }> => {
  const [begun, used] = [performance.now(), process.cpuUsage()];
  const result = await work();
  const { user, system } = process.cpuUsage(used);
  return { ms: performance.now() - begun, cpuMs: (user + system) / 1_000, result };
};
const took = ({ ms, cpuMs }: { readonly ms: number; readonly cpuMs: number }): string =>
  `${(ms / 1_000).toFixed(1)} s, ${(cpuMs / 1_000).toFixed(1)} s of a processor`;

const openPlace = async (folder: string) => {
  const place = { dataDir: join(folder, 'postgres'), outsideDir: join(folder, 'outside'), logFile: join(folder, 'postgres.log') };
  const postgres = await startPostgres(place);
  await migrateToLatest(postgres.url);
  const database = openDatabase(postgres.url);
  const content = createContentStore(
    openObjectStore({ kind: 'directory', folder: join(folder, 'store') }),
    join(folder, 'cache'),
  );
  const close = async (): Promise<void> => {
    await database.close();
    await postgres.stop();
  };
  return { folder, db: database.db, content, close };
};
type Place = Awaited<ReturnType<typeof openPlace>>;

const instant = (ms: number): Instant => new Date(ms).toISOString() as Instant;

/** A version to be measured, and nothing that serves it. */
const register = async ({ db, content }: Place) => {
  const file = fileOf({});
  const spec = pipelineSpecSchema.parse(file);
  await createDefinitions(db).apply(pipeline, null, file, sha256Of('definition'), 'bench', 'bench');
  const snapshotSha256 = sha256Of('snapshot');
  const snapshot = { sha256: snapshotSha256, pipeline, rows: 1, bytes: 1, partCount: 1, firstEventAt: null, lastEventAt: null };
  await createSnapshots(db).record(snapshot);
  const lineage = { pipeline, definitionSha256: sha256Of('definition'), codeVersion: 'bench', snapshotSha256, runKey: null };
  const version = await createRegistry(db).register(
    {
      ...lineage,
      modelSha256: await content.putJson(packageOf('a')),
      onnxSha256: sha256Of('onnx a'),
      trainingKey: sha256Of('training'),
      featureSetSha256: sha256Of('features a'),
      profileSha256: await content.putJson(referenceOf(day)),
      trainer: 'reference',
      parameters: {},
      metrics: {},
    },
    'bench',
  );
  return { version, spec };
};

/** Predictions spread over a week, an object for each hour, with the columns that servers ship; the id of row n says its time. */
const shipWeek = async ({ folder, db, content }: Place, predictions: number, modelSha256: string): Promise<void> => {
  const scratch = join(folder, 'ship');
  mkdirSync(scratch);
  const every = Math.floor((days * day) / predictions);
  await withDuckDb({ folder: scratch, memoryMiB: 1024, threads: availableParallelism(), allowedFolders: [] }, async (duck) => {
    await duck.run(`CREATE TABLE rows AS SELECT n, ${start} + n * ${every} AS ms, hash(n) / 18446744073709551615.0 AS score
      FROM (SELECT unnest(generate_series(0, ${predictions - 1})) AS n)`);
    for (let from = start; from < start + days * day; from += hour) {
      const file = join(scratch, `${from}.parquet`);
      await duck.run(`COPY (SELECT 'answered' AS kind, ${idSql} AS id, '${pipeline}' AS pipeline, 1 AS version,
          '${modelSha256}' AS model_sha256, CAST(1 AS BIGINT) AS generation, 'champion' AS arm, false AS shadow,
          make_timestamp(ms * 1000) AS "at", make_timestamp(ms * 1000) AS event_at, CAST(NULL AS VARCHAR) AS unit,
          'true' AS prediction, [score] AS scores, '{"origin":"SFO","distance":400}' AS inputs, '{}' AS views,
          CAST(NULL AS VARCHAR) AS key_subject, CAST(NULL AS INTEGER) AS status, CAST(NULL AS VARCHAR) AS code, CAST(NULL AS VARCHAR) AS message
        FROM rows WHERE ms >= ${from} AND ms < ${from + hour} ORDER BY n) TO '${file}' (FORMAT parquet, COMPRESSION zstd)`);
      const { sha256, bytes } = await content.putFile(file);
      const part = { pipeline, hour: instant(from), serverId: 's', epoch: 'e', segment: 1, sha256, rows: 1, bytes };
      await createPredictionParts(db).record([{ ...part, firstEventAt: instant(from), lastEventAt: instant(from + hour - 1) }]);
    }
  });
};
const idSql = `lpad(lower(hex(ms >> 16)), 8, '0') || '-' || lpad(lower(hex(ms & 65535)), 4, '0') || '-7000-8000-' || lpad(lower(hex(n)), 12, '0')`;
const idOf = (n: number, ms: number): string => {
  const time = ms.toString(16).padStart(12, '0');
  return `${time.slice(0, 8)}-${time.slice(8)}-7000-8000-${n.toString(16).padStart(12, '0')}`;
};

const labelAt = (n: number, every: number) => {
  const ms = start + n * every;
  return { prediction_id: idOf(n, ms), label: n % 2 === 0, at: instant(ms + hour) };
};

/** A few clients at a time, each with its batch. */
const postAll = async (url: string, count: number, batch: number, every: number, clients: number): Promise<void> => {
  let next = 0;
  const client = async (): Promise<void> => {
    for (let from = next; from < count; from = next) {
      next = from + batch;
      const labels = Array.from({ length: Math.min(batch, count - from) }, (_, k) => labelAt(from + k, every));
      const body = JSON.stringify({ labels });
      const answer = await fetch(`${url}/labels/${pipeline}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body,
      });
      if (!answer.ok) throw new Error(await answer.text());
    }
  };
  await Promise.all(Array.from({ length: clients }, client));
};

const benchLabels = async ({ db }: Place, predictions: number, batch: number): Promise<void> => {
  const every = Math.floor((days * day) / predictions);
  const server = await startPredictServer({
    host: '127.0.0.1',
    port: 0,
    deployments: createDeployments(db),
    onlineFeatures: createOnlineFeatures(db),
    load: () => Promise.reject(new Error('nothing is deployed')),
    log: silentLogger(),
    labels: createLabelIntake(db),
  });
  try {
    const some = Math.min(predictions, 200_000);
    const one = await timed(() => postAll(server.url, some, batch, every, 1));
    say(`POST /labels, ${batch} in a batch, one client: ${perSecond(some, one.ms)}`);
    const rest = await timed(() => postAll(server.url, predictions, batch, every, 4));
    say(`POST /labels, ${batch} in a batch, four clients, a fifth of them there already: ${perSecond(predictions, rest.ms)}`);
    const again = await timed(() => postAll(server.url, some, batch, every, 4));
    say(`the same again: ${perSecond(some, again.ms)}`);
  } finally {
    await server.close();
  }
};

const benchMeasurement = async (
  place: Place,
  predictions: number,
  subject: Awaited<ReturnType<typeof register>>,
): Promise<void> => {
  const { db, content, folder } = place;
  const deps = {
    content,
    scratch: openScratch(join(folder, 'scratch')),
    limits: { memoryMiB: 512, threads: availableParallelism() },
    tallies: createTallies(db),
    predictionParts: createPredictionParts(db),
    labels: createLabels(db),
  };
  const question = { ...subject, dataTime: instant(start + (days + 1) * day), labelsSince: null, quarantined: [] };
  const first = await timed(() => measurePerformance(deps, { ...question, maturedUntil: null, estimatedUntil: null }));
  const labelled = first.result?.labels.labelled ?? 0;
  say(
    `performance over ${predictions.toLocaleString('en')} predictions, ${labelled.toLocaleString('en')} labelled, ${first.result?.windows.length} windows: ${took(first)}`,
  );
  const later = await timed(() =>
    measurePerformance(deps, { ...question, maturedUntil: instant(start + days * day), estimatedUntil: null }),
  );
  say(`the same with no window newly matured: ${took(later)}`);
  say(`resident at the end: ${Math.round(process.memoryUsage().rss / 1_048_576)} MiB`);
};

export const run = async ([predictions = '1000000', batch = '1000']: readonly string[]): Promise<void> => {
  const folder = mkdtempSync(join(tmpdir(), 'perennial-bench-truth-'));
  // PostgreSQL may run as another user.
  chmodSync(folder, 0o755);
  const place = await openPlace(folder);
  try {
    const subject = await register(place);
    await benchLabels(place, Number(predictions), Number(batch));
    await shipWeek(place, Number(predictions), subject.version.modelSha256);
    await benchMeasurement(place, Number(predictions), subject);
  } finally {
    await place.close();
    rmSync(folder, { recursive: true, force: true });
  }
};
