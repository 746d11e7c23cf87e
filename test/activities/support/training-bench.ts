/** A place to train in: a database, a store with a frame in it, folders, and the dependencies of the train step. */
import { readdirSync, readFileSync } from 'node:fs';
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { FeatureFrame } from '#domain/contracts/feature-set.ts';
import type { PipelineName, RunKey, Sha256 } from '#domain/units.ts';
import type { GpuDeps } from '../../../activities/deps.ts';
import type { StepContext } from '../../../activities/step-context.ts';
import { loadConfig } from '../../../infra/config.ts';
import { createNpyWriter } from '../../../infra/features/npy.ts';
import { digestOfJson } from '../../../infra/objects/digest.ts';
import { createDefinitions } from '../../../infra/postgres/definitions.ts';
import { openDatabase } from '../../../infra/postgres/pool.ts';
import { createRuns } from '../../../infra/postgres/runs.ts';
import { createStepLedger } from '../../../infra/postgres/step-ledger.ts';
import { resolveTrainer } from '../../../infra/trainer/resolve.ts';
import { openScratch } from '../../../workers/scratch.ts';
import type { TrainInput } from '../../../workflows/steps.ts';
import { testDatabase, testFolder, testStore } from '../../support/servers.ts';

const pipeline = 'churn' as PipelineName;
const runKey = '0123456789abcdef' as RunKey;
const someSha256 = 'd'.repeat(64) as Sha256;

/** Two classes that a straight line tells apart, not quite; some values are missing. Seeded. */
const makeRows = (rows: number, columns: number): { features: Float32Array; labels: Float32Array } => {
  let state = 7;
  const next = (): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
  const features = new Float32Array(rows * columns);
  const labels = new Float32Array(rows);
  for (let row = 0; row < rows; row++) {
    let sum = 0;
    for (let column = 0; column < columns; column++) {
      const value = next() - 0.5;
      sum += value * (column % 3) + (next() - 0.5) * 0.3;
      features[row * columns + column] = next() < 0.02 ? Number.NaN : value * 10 ** (column % 4) + column;
    }
    labels[row] = sum > 0 ? 1 : 0;
  }
  return { features, labels };
};

const writeMatrix = async (file: string, shape: [number] | [number, number], numbers: Float32Array): Promise<void> => {
  const writer = await createNpyWriter(file, shape);
  await writer.write(numbers);
  await writer.close();
};

export type TrainingBench = Awaited<ReturnType<typeof openTrainingBench>>;

export const openTrainingBench = async (rows: number, columns: number) => {
  const [database, store, folder] = [await testDatabase(), testStore(), testFolder()];
  const { db, close } = openDatabase(database.url);
  const definitions = createDefinitions(db);
  const runs = createRuns(db);
  const { features, labels } = makeRows(rows, columns);
  const put = async (name: string, shape: [number] | [number, number], numbers: Float32Array): Promise<Sha256> => {
    await writeMatrix(join(folder.folder, name), shape, numbers);
    return (await store.content.putFile(join(folder.folder, name))).sha256;
  };
  const train = { rows, features: await put('x.npy', [rows, columns], features), labels: await put('y.npy', [rows], labels) };
  const frame: FeatureFrame = {
    format: 1,
    snapshotSha256: someSha256,
    featureSetSha256: someSha256,
    columns: Array.from({ length: columns }, (_, index) => `column ${index}`),
    task: 'binary',
    classes: ['no', 'yes'],
    train,
    holdout: { rows: 0, raw: someSha256, features: someSha256, labels: someSha256 },
    split: { kind: 'hash', trainFrom: null, holdoutFrom: null, holdoutTo: null },
    leakage: [],
    truncationProof: [],
  };
  const frameSha256 = await store.content.putJson(frame);
  const deps: GpuDeps = {
    ledger: createStepLedger(db),
    definitions,
    runs,
    content: store.content,
    scratch: openScratch(join(folder.folder, 'scratch')),
    resolveTrainer: resolveTrainer(loadConfig()),
    checkpointRoot: join(folder.folder, 'checkpoints'),
    threads: 1,
  };

  /** Applies a definition with this trainer and returns the step's input. */
  const inputFor = async (trainer: string, parameters: object = {}, timeoutMs = 60_000): Promise<TrainInput> => {
    const file = {
      name: pipeline,
      data: { source: { type: 'csv', path: './data' }, label: 'churned' },
      training: { trainer, parameters },
    };
    const definitionSha256 = digestOfJson(file);
    await definitions.apply(pipeline, folder.folder, file, definitionSha256, 'c1', 'test');
    const trigger = { kind: 'command' as const, by: 'test', reason: 'test' };
    const request = { format: 1 as const, pipeline, runKey, definitionSha256, codeVersion: 'c1', listingSha256: someSha256 };
    await runs.begin({ ...request, cutoff: null, trigger }, `retrain/${pipeline}/${runKey}`);
    return { pipeline, runKey, definitionSha256, frameSha256, timeoutMs };
  };

  /** Makes a fixture program a trainer of its own, in a folder beside the pipeline. */
  const ownTrainer = async (fixture: string): Promise<string> => {
    const program = resolve(import.meta.dirname, '../../workers/trainers/fixtures', `${fixture}.ts`);
    await mkdir(join(folder.folder, fixture), { recursive: true });
    const trainer = { format: 1, command: ['node', program], environment: { NODE_NO_WARNINGS: '1' } };
    await writeFile(join(folder.folder, fixture, 'trainer.json'), JSON.stringify(trainer));
    return `./${fixture}`;
  };

  /** Process numbers of the trainers that are at work now; without waiting, so that they are still at the same step. */
  const trainerPids = (): number[] => {
    const files = readdirSync(deps.checkpointRoot, { recursive: true, encoding: 'utf8' });
    const records = files.filter((file) => /attempts\/.*\.json$/.test(file));
    return records.map((file) => JSON.parse(readFileSync(join(deps.checkpointRoot, file), 'utf8')).trainer.pid as number);
  };

  return {
    deps,
    db,
    runs,
    runKey,
    folder: folder.folder,
    databaseUrl: database.url,
    store: store.store,
    content: store.content,
    inputFor,
    ownTrainer,
    trainerPids,
    checkpoints: () => readdir(deps.checkpointRoot).catch(() => [] as string[]),
    scratchIsEmpty: async () => (await readdir(join(folder.folder, 'scratch'))).length === 0,
    forget: () => rm(deps.checkpointRoot, { recursive: true, force: true }),
    close: async () => {
      await close();
      await database.close();
      store.close();
      folder.close();
    },
  };
};

/** A context that calls back at each heartbeat, and can be aborted. */
export const contextWith = (onHeartbeat: (detail: { step: number }, abort: (reason: unknown) => void) => void): StepContext => {
  const controller = new AbortController();
  return {
    signal: controller.signal,
    heartbeat: (detail) => onHeartbeat(detail as { step: number }, (reason) => controller.abort(reason)),
  };
};
