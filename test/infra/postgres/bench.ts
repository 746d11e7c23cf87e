/** A database of its own with one applied pipeline, and values that fill rows. */

import pg from 'pg';
import type { NewModelVersion } from '../../../activities/deps.ts';
import { sha256Of } from '../../../infra/objects/digest.ts';
import { createDefinitions } from '../../../infra/postgres/definitions.ts';
import { type Database, openDatabase } from '../../../infra/postgres/pool.ts';
import { createRuns } from '../../../infra/postgres/runs.ts';
import { createSnapshots } from '../../../infra/postgres/snapshots.ts';
import type { RetrainRequest } from '../../../workflows/domain/contracts/retrain.ts';
import type { PipelineName, RunKey, VersionNumber } from '../../../workflows/domain/units.ts';
import { testDatabase } from '../../support/servers.ts';

export const flights = 'flights' as PipelineName;
export const definitionSha256 = sha256Of('definition');
export const snapshotSha256 = sha256Of('snapshot');
export const runKey = '0123456789abcdef' as RunKey;
export const version = (number: number): VersionNumber => number as VersionNumber;

export const request: RetrainRequest = {
  format: 1,
  pipeline: flights,
  runKey,
  definitionSha256,
  codeVersion: 'c0ffee',
  listingSha256: sha256Of('listing'),
  cutoff: null,
  trigger: { kind: 'command', by: 'ada', reason: 'new data' },
};

export const candidate = (name: string): NewModelVersion => ({
  pipeline: flights,
  modelSha256: sha256Of(`model ${name}`),
  onnxSha256: sha256Of(`onnx ${name}`),
  trainingKey: sha256Of(`training ${name}`),
  definitionSha256,
  codeVersion: 'c0ffee',
  snapshotSha256,
  featureSetSha256: sha256Of(`features ${name}`),
  profileSha256: null,
  trainer: 'reference',
  parameters: { rate: 0.1, list: [1, 2] },
  metrics: { roc_auc: 0.71 },
  runKey,
});

export const promotion = (number: number | null, expectedGeneration: number, operationKey: string) => ({
  pipeline: flights,
  kind: 'promote' as const,
  version: number === null ? null : version(number),
  expectedGeneration,
  operationKey,
  actor: 'ada',
  reason: 'the gate passed',
});

/** A user named like the schema would find tables without it; ours must be found by anyone. */
const forgetSearchPath = async (url: string): Promise<void> => {
  const { pool, close } = openDatabase(url);
  const name = pg.escapeIdentifier(new URL(url).pathname.slice(1));
  await pool.query(`alter database ${name} set search_path to ''`);
  await close();
};

/** Opens further pools on the same database, as other processes would. */
export const openBench = async (): Promise<Database & { url: string; open: () => Database; end: () => Promise<void> }> => {
  const { url, close: drop } = await testDatabase();
  await forgetSearchPath(url);
  const opened: Database[] = [];
  const open = (): Database => {
    const database = openDatabase(url);
    opened.push(database);
    return database;
  };
  const end = async (): Promise<void> => {
    await Promise.all(opened.map((database) => database.close()));
    await drop();
  };
  return { ...open(), url, open, end };
};

/** The pipeline with its definition, a snapshot and a run: what a model version refers to. */
export const applyFlights = async ({ db }: Database): Promise<void> => {
  await createDefinitions(db).apply(flights, '/pipelines/flights', { name: 'flights' }, definitionSha256, 'c0ffee', 'ada');
  const snapshot = { sha256: snapshotSha256, pipeline: flights, rows: 10, bytes: 100, partCount: 1 };
  await createSnapshots(db).record({ ...snapshot, firstEventAt: null, lastEventAt: null });
  await createRuns(db).begin(request, 'retrain/flights/0123456789abcdef');
};
