/** The data folder of a PostgreSQL server: where it may be, who owns it, its password, its first initialisation. */
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { chmod, cp, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { PerennialError } from '#domain/errors.ts';
import type { PostgresBinaries } from './binaries.ts';
import { giveTo, isReachable, makeOwnFolder, type SystemUser } from './system-user.ts';

const run = promisify(execFile);

/** The role that owns everything in a server that we started. */
export const postgresRole = 'perennial';
/** A fixed surrounding: PG* and LC_* variables of the caller must not change what is created or listened to. */
export const postgresEnvironment: NodeJS.ProcessEnv = { PATH: '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' };

export type Cluster = { readonly dataDir: string; readonly binaries: PostgresBinaries; readonly user: SystemUser | null };
export type Placement = {
  readonly dataDir: string;
  /** Used instead of what PostgreSQL's user cannot reach: data, and a copy of the programs. */
  readonly outsideDir: string;
  readonly binaries: PostgresBinaries;
  readonly user: SystemUser | null;
  /** Told the outside folder before anything is put there, so that it can be removed later. */
  readonly onOutside: (folder: string) => void;
};

const versionOf = (binaries: PostgresBinaries): string => {
  const manifest = join(binaries.root, '..', 'package.json');
  return existsSync(manifest)
    ? (JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }).version
    : basename(binaries.root);
};

const copyBinaries = async (binaries: PostgresBinaries, outsideDir: string): Promise<PostgresBinaries> => {
  const root = join(outsideDir, `postgresql-${versionOf(binaries)}`);
  if (!existsSync(root)) {
    const unfinished = `${root}.${process.pid}`;
    await cp(binaries.root, unfinished, { recursive: true, verbatimSymlinks: true });
    await run('chmod', ['-R', 'a+rX', unfinished]);
    await rename(unfinished, root);
  }
  return { ...binaries, root, initdb: join(root, 'bin', 'initdb'), postgres: join(root, 'bin', 'postgres') };
};

const openOutside = async (placement: Placement): Promise<void> => {
  placement.onOutside(placement.outsideDir);
  if (!existsSync(placement.outsideDir)) await mkdir(placement.outsideDir, { mode: 0o755 });
  makeOwnFolder(placement.outsideDir);
  // The process's umask may have closed it.
  await chmod(placement.outsideDir, 0o755);
};

/** Says where data and programs will be: as asked, or outside where PostgreSQL's user cannot go there. */
export const placeCluster = async (placement: Placement): Promise<Cluster> => {
  const { user, binaries, dataDir } = placement;
  await mkdir(dirname(dataDir), { recursive: true });
  if (user === null) return { dataDir, binaries, user };
  const dataReachable = isReachable(realpathSync(dirname(dataDir)) + '/data', user);
  const programsReachable = isReachable(realpathSync(binaries.postgres), user);
  if (dataReachable && programsReachable) return { dataDir, binaries, user };
  await openOutside(placement);
  return {
    user,
    dataDir: dataReachable ? dataDir : join(placement.outsideDir, 'postgres'),
    binaries: programsReachable ? binaries : await copyBinaries(binaries, placement.outsideDir),
  };
};

/** Beside the data, so that both are kept or removed together; readable by us alone, PostgreSQL's user excluded. */
const passwordFile = (dataDir: string): string => `${dataDir}.password`;

export const readPassword = async (dataDir: string): Promise<string> => {
  try {
    return (await readFile(passwordFile(dataDir), 'utf8')).trim();
  } catch (cause) {
    throw new PerennialError(
      'PRN_CONFIG_INVALID',
      `Cannot open the database in "${dataDir}" as its password file "${passwordFile(dataDir)}" cannot be read: ` +
        'restore the file, or remove both to begin with an empty database',
      { cause },
    );
  }
};

const initdb = async (cluster: Cluster, folder: string, passwordPath: string): Promise<void> => {
  const identity = cluster.user === null ? {} : { uid: cluster.user.uid, gid: cluster.user.gid };
  await run(
    cluster.binaries.initdb,
    [
      '-D',
      folder,
      '-U',
      postgresRole,
      '--auth=scram-sha-256',
      `--pwfile=${passwordPath}`,
      '--encoding=UTF8',
      '--locale=C',
    ].concat(['--data-checksums', '--no-instructions', '--no-sync']),
    { ...identity, cwd: '/', env: postgresEnvironment },
  ).catch((cause: Error & { stderr?: string }) => {
    throw new PerennialError(
      'PRN_UNREACHABLE',
      `Cannot create a database in "${folder}": ${(cause.stderr ?? cause.message).trim()}`,
      {
        cause,
      },
    );
  });
};

/**
 * Creates the cluster where there is none. It is made under another name and renamed when whole: a start that was
 * killed half-way leaves nothing that looks like data.
 */
export const initialiseCluster = async (cluster: Cluster): Promise<void> => {
  if (existsSync(join(cluster.dataDir, 'PG_VERSION'))) return;
  const unfinished = `${cluster.dataDir}.unfinished`;
  const handedOver = `${unfinished}.password`;
  const password = randomBytes(24).toString('base64url');
  await rm(unfinished, { recursive: true, force: true });
  await mkdir(unfinished, { mode: 0o700 });
  giveTo(unfinished, cluster.user);
  await rm(handedOver, { force: true });
  await writeFile(handedOver, `${password}\n`, { mode: 0o600, flag: 'wx' });
  giveTo(handedOver, cluster.user);
  try {
    await initdb(cluster, unfinished, handedOver);
  } finally {
    await rm(handedOver, { force: true });
  }
  await rm(passwordFile(cluster.dataDir), { force: true });
  await writeFile(passwordFile(cluster.dataDir), `${password}\n`, { mode: 0o600, flag: 'wx' });
  await rename(unfinished, cluster.dataDir);
};
