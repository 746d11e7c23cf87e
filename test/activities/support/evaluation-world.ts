/** A pipeline with a database, a store and a frozen hold-out, as the steps before evaluation leave them. */
import { randomBytes } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { CpuDeps } from '../../../activities/deps.ts';
import { createNpyWriter } from '../../../infra/features/npy.ts';
import { sha256Of } from '../../../infra/objects/digest.ts';
import { openSession } from '../../../infra/onnx/session.ts';
import type { OnnxModel } from '../../../infra/onnx/types.ts';
import { createDefinitions } from '../../../infra/postgres/definitions.ts';
import { createDeployments } from '../../../infra/postgres/deployments.ts';
import { openDatabase } from '../../../infra/postgres/pool.ts';
import { createRegistry } from '../../../infra/postgres/registry.ts';
import { createRuns } from '../../../infra/postgres/runs.ts';
import { createSnapshots } from '../../../infra/postgres/snapshots.ts';
import { createStepLedger } from '../../../infra/postgres/step-ledger.ts';
import { withDuckDb } from '../../../infra/tabular/duckdb.ts';
import { quoteText } from '../../../infra/tabular/sql.ts';
import type { FeatureFrame, FeatureSet } from '../../../workflows/domain/contracts/feature-set.ts';
import { createVectorizer } from '../../../workflows/domain/features/apply.ts';
import { createRandom } from '../../../workflows/domain/stats/random.ts';
import type { PipelineName, RunKey, Sha256 } from '../../../workflows/domain/units.ts';
import { bytesOf } from '../../infra/onnx/tiny-models.ts';
import { testDatabase, testFolder, testStore } from '../../support/servers.ts';

export const pipeline = 'flights' as PipelineName;
export const snapshotSha256 = sha256Of('snapshot');

export type Row = {
  readonly x: number;
  readonly noise: number;
  readonly origin: string;
  readonly label: number;
  readonly day: number;
};

/** Labels follow x with some chance; `noise` says nothing. Seeded. */
export const makeRows = (count: number, seed: number, task: 'binary' | 'regression' = 'binary'): Row[] => {
  const random = createRandom(seed);
  return Array.from({ length: count }, (_, index) => {
    const x = Math.fround(random() * 4 - 2);
    const noise = Math.fround(random() * 4 - 2);
    const origin = ['ORD', 'ATL', 'SFO'][Math.floor(random() * 3)] as string;
    const chance = random();
    const label = task === 'regression' ? Math.fround(3 * x + chance) : chance < 1 / (1 + Math.exp(-2 * x)) ? 1 : 0;
    return { x, noise, origin, label, day: index % 7 };
  });
};

const column = (name: string): FeatureSet['features'][number] => ({
  name,
  source: { kind: 'column', column: name },
  transforms: [],
  outputs: [name],
});
/** Features of plain columns. */
export const featuresOf = (...names: string[]): FeatureSet => ({
  format: 1,
  request: names.map((name) => ({ name, type: 'number', unknownValues: 'allow', required: true, defaultsTo: null })),
  views: [],
  features: names.map(column),
});

const scratchIn = (root: string): CpuDeps['scratch'] => ({
  withFolder: async (name, work) => {
    const folder = join(root, `${name}-${randomBytes(4).toString('hex')}`);
    await mkdir(folder, { mode: 0o700 });
    try {
      return await work(folder);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  },
});

export type World = Awaited<ReturnType<typeof openWorld>>;

export const openWorld = async (gate: object = {}) => {
  const [database, store, scratch] = [await testDatabase(), testStore(), testFolder()];
  const opened = openDatabase(database.url);
  const { db } = opened;
  const definitions = createDefinitions(db);
  const registry = createRegistry(db);
  const deployments = createDeployments(db);
  const file = { name: pipeline, data: { source: 'flights.csv', label: 'label' }, gate, training: { trainer: 'reference' } };
  const apply = async (content: object): Promise<Sha256> => {
    const sha256 = sha256Of(JSON.stringify(content));
    await definitions.apply(pipeline, null, content, sha256, 'c0ffee', 'ada');
    return sha256;
  };
  const definitionSha256 = await apply(file);
  const runs = createRuns(db);
  const begin = async (runKey: string): Promise<{ pipeline: PipelineName; runKey: RunKey; definitionSha256: Sha256 }> => {
    const run = { pipeline, runKey: runKey as RunKey, definitionSha256 };
    const request = { ...run, format: 1 as const, codeVersion: 'c0ffee', listingSha256: sha256Of('listing'), cutoff: null };
    await runs.begin({ ...request, trigger: { kind: 'command', by: 'ada', reason: 'test' } }, `retrain/${pipeline}/${runKey}`);
    return run;
  };
  const counts = { rows: 1, bytes: 1, partCount: 1, firstEventAt: null, lastEventAt: null };
  await createSnapshots(db).record({ sha256: snapshotSha256, pipeline, ...counts });
  const deps = {
    ledger: createStepLedger(db),
    definitions,
    registry,
    deployments,
    content: store.content,
    scratch: scratchIn(scratch.folder),
    limits: { memoryMiB: 256, threads: 1 },
  };
  const close = async (): Promise<void> => {
    await opened.close();
    await database.close();
    store.close();
    scratch.close();
  };
  return { db, deps, registry, deployments, content: store.content, folder: scratch.folder, file, apply, begin, close };
};

const writeMatrix = async (
  world: World,
  name: string,
  shape: [number] | [number, number],
  data: Float32Array,
): Promise<Sha256> => {
  const file = join(world.folder, `${name}-${randomBytes(4).toString('hex')}.npy`);
  const writer = await createNpyWriter(file, shape);
  await writer.write(data);
  await writer.close();
  return (await world.content.putFile(file)).sha256;
};

const writeRaw = (world: World, rows: readonly Row[]): Promise<Sha256> =>
  world.deps.scratch.withFolder('raw', (folder) =>
    withDuckDb({ folder, memoryMiB: 256, threads: 1, allowedFolders: [] }, async (db) => {
      const file = join(folder, 'raw.parquet');
      const tuples = rows.map(
        ({ x, noise, origin, label, day }, row) =>
          `(${x}::DOUBLE, ${noise}::DOUBLE, ${quoteText(origin)}, ${label}, ${day}, ${row})`,
      );
      await db.run(`CREATE TABLE raw (x DOUBLE, noise DOUBLE, origin VARCHAR, label DOUBLE, day BIGINT, _row BIGINT)`);
      for (let from = 0; from < tuples.length; from += 500)
        await db.run(`INSERT INTO raw VALUES ${tuples.slice(from, from + 500).join(', ')}`);
      await db.run(`COPY (SELECT * FROM raw ORDER BY _row) TO ${quoteText(file)} (FORMAT parquet)`);
      return (await world.content.putFile(file)).sha256;
    }),
  );

const vectorsOf = (featureSet: FeatureSet, rows: readonly Row[]): Float32Array => {
  const vectorizer = createVectorizer(featureSet);
  const matrix = new Float32Array(rows.length * vectorizer.width);
  rows.forEach((row, index) => vectorizer.apply(row, () => undefined, matrix, index * vectorizer.width));
  return matrix;
};

export type FrameParts = {
  readonly featureSet: FeatureSet;
  readonly holdout: readonly Row[];
  readonly task?: 'binary' | 'regression';
  readonly more?: Partial<FeatureFrame>;
};

/** Stores a frame: a small training matrix and the hold-out. */
export const storeFrame = async (
  world: World,
  { featureSet, holdout, task = 'binary', more = {} }: FrameParts,
): Promise<Sha256> => {
  const training = makeRows(50, 99, task);
  const width = createVectorizer(featureSet).width;
  const labelsOf = (rows: readonly Row[]) => Float32Array.from(rows, ({ label }) => label);
  const frame: FeatureFrame = {
    format: 1,
    snapshotSha256,
    featureSetSha256: await world.content.putJson(featureSet),
    columns: featureSet.features.flatMap(({ outputs }) => outputs),
    task,
    classes: task === 'binary' ? ['false', 'true'] : [],
    train: {
      rows: training.length,
      features: await writeMatrix(world, 'train', [training.length, width], vectorsOf(featureSet, training)),
      labels: await writeMatrix(world, 'labels', [training.length], labelsOf(training)),
    },
    holdout: {
      rows: holdout.length,
      raw: await writeRaw(world, holdout),
      features: await writeMatrix(world, 'holdout', [holdout.length, width], vectorsOf(featureSet, holdout)),
      labels: await writeMatrix(world, 'labels', [holdout.length], labelsOf(holdout)),
    },
    split: { kind: 'hash', trainFrom: null, holdoutFrom: null, holdoutTo: null },
    leakage: [],
    truncationProof: [],
    ...more,
  };
  return world.content.putJson(frame);
};

/** Stores a training result as the train step would; `off` makes the trainer's own answers differ from the file's. */
export const storeResult = async (world: World, onnx: OnnxModel, featureSet: FeatureSet, off = 0): Promise<Sha256> => {
  const bytes = bytesOf(onnx);
  const task = onnx.graph.name === 'linear' ? 'regression' : 'binary';
  const session = await openSession(bytes);
  const width = session.inputWidth ?? 0;
  const rows = [0, 7, 31];
  const vectors = vectorsOf(featureSet, makeRows(50, 99, task));
  const answers: number[][] = [];
  for (const row of rows) {
    const answer = await session.run(vectors.slice(row * width, (row + 1) * width), 1);
    answers.push(Array.from(answer, (value) => value + off));
  }
  await session.release();
  return world.content.putJson({
    format: 1,
    trainingKey: sha256Of(`${sha256Of(bytes)} ${off}`),
    trainer: 'reference',
    onnxSha256: await world.content.putBytes(bytes),
    onnxBytes: bytes.length,
    metrics: {},
    parity: { rows, answers },
    environment: {},
    durationMs: 1,
  });
};
