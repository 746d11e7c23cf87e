import { execFile } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import pg from 'pg';
import { expect, onTestFinished, type TestContext, test } from 'vitest';
import { findDebianBinaries } from '../../../infra/postgres/binaries.ts';
import { type PostgresOptions, type PostgresServer, startPostgres } from '../../../infra/postgres/server.ts';
import { isRunning } from '../../../infra/state/processes.ts';
import { requirePostgres, testFolder } from '../../support/servers.ts';

const run = promisify(execFile);
const isRoot = process.getuid?.() === 0;
/** Of "nobody": an ordinary user that every system has. */
const ordinaryUid = 65534;

const folderOf = (context: TestContext): string => {
  requirePostgres(context);
  const { folder, close } = testFolder();
  onTestFinished(close);
  return folder;
};

const start = async (folder: string, options: Partial<PostgresOptions> = {}): Promise<PostgresServer> => {
  const server = await startPostgres({
    dataDir: join(folder, 'data'),
    outsideDir: join(folder, 'outside'),
    logFile: join(folder, 'postgres.log'),
    ...options,
  });
  onTestFinished(() => server.stop());
  return server;
};

const ask = async (url: string, statement: string): Promise<unknown[]> => {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => {});
  await client.connect();
  try {
    return (await client.query(statement)).rows;
  } finally {
    await client.end();
  }
};

test('keeps what was committed through kill -9, and starts again at once', async (context) => {
  const folder = folderOf(context);
  const first = await start(folder);
  await ask(first.url, 'create table kept as select 42 as answer');
  process.kill(first.identity.pid, 'SIGKILL');
  expect((await first.exited).signal).toBe('SIGKILL');
  const second = await start(folder, { port: first.port });
  expect(second.url).toBe(first.url);
  expect(await ask(second.url, 'select answer from kept')).toEqual([{ answer: 42 }]);
});

test('ends a server that was left running on the same data', async (context) => {
  const folder = folderOf(context);
  const left = await start(folder);
  const next = await start(folder);
  await left.exited;
  expect(isRunning(left.identity)).toBe(false);
  expect(await ask(next.url, 'select 1 as one')).toEqual([{ one: 1 }]);
});

test('starts although the note of a dead server names a process that lives', async (context) => {
  const folder = folderOf(context);
  const first = await start(folder);
  const note = readFileSync(join(first.dataDir, 'postmaster.pid'), 'utf8');
  await first.stop();
  writeFileSync(join(first.dataDir, 'postmaster.pid'), note.replace(/^\d+/, String(process.pid)));
  const second = await start(folder);
  expect(await ask(second.url, 'select 1 as one')).toEqual([{ one: 1 }]);
});

test('listens on the loopback only, and wants the password', async (context) => {
  const server = await start(folderOf(context));
  expect(
    await ask(
      server.url,
      "select current_setting('listen_addresses') as at, current_setting('unix_socket_directories') as socket",
    ),
  ).toEqual([{ at: '127.0.0.1', socket: '' }]);
  const wrong = server.url.replace(/:[^:@/]+@/, ':wrong@');
  await expect(ask(wrong, 'select 1')).rejects.toThrow('password authentication failed');
});

test('a first start that was killed half-way leaves nothing in the way', async (context) => {
  const folder = folderOf(context);
  mkdirSync(join(folder, 'data.unfinished', 'base'), { recursive: true });
  const server = await start(folder);
  expect(await ask(server.url, 'select 1 as one')).toEqual([{ one: 1 }]);
});

test('says what is wrong where the password is lost', async (context) => {
  const folder = folderOf(context);
  const server = await start(folder);
  await server.stop();
  rmSync(`${server.dataDir}.password`);
  await expect(start(folder)).rejects.toMatchObject({
    code: 'PRN_CONFIG_INVALID',
    message: expect.stringContaining('password file'),
  });
});

test('says why, with the end of the log, where it cannot start', async (context) => {
  const folder = folderOf(context);
  const holder = await start(folder);
  await expect(start(join(folder, 'second'), { port: holder.port })).rejects.toMatchObject({
    code: 'PRN_UNREACHABLE',
    message: expect.stringContaining('could not bind'),
  });
});

test("Debian's PostgreSQL serves as well", async (context) => {
  const binaries = findDebianBinaries();
  if (binaries === null) context.skip('there is no PostgreSQL under /usr/lib/postgresql');
  const server = await start(folderOf(context), binaries === null ? {} : { binaries });
  expect(await ask(server.url, 'select 1 as one')).toEqual([{ one: 1 }]);
});

test('as root it runs as another user, outside a folder that this user cannot enter, programs included', async (context) => {
  if (!isRoot) context.skip('only root runs it as another user');
  const folder = folderOf(context);
  const closed = join(folder, 'home');
  mkdirSync(closed, { mode: 0o700 });
  const told: string[] = [];
  const binaries = (await import('../../../infra/postgres/binaries.ts')).findPostgresBinaries();
  await run('cp', ['-a', dirname(binaries.root), join(closed, 'package')]);
  const root = join(closed, 'package', binaries.root.split('/').at(-1) as string);
  const server = await start(closed, {
    binaries: { ...binaries, root, initdb: join(root, 'bin/initdb'), postgres: join(root, 'bin/postgres') },
    outsideDir: join(folder, 'outside'),
    onOutside: (path) => told.push(path),
  });
  expect(server.dataDir).toBe(join(folder, 'outside', 'postgres'));
  expect(told).toEqual([join(folder, 'outside')]);
  expect(existsSync(join(closed, 'data'))).toBe(false);
  expect(readFileSync(`/proc/${server.identity.pid}/status`, 'utf8')).not.toMatch(/^Uid:\t0\t/m);
  expect(readFileSync(`/proc/${server.identity.pid}/cmdline`, 'utf8')).toContain(join(folder, 'outside'));
});

test('as root it refuses an outside folder that somebody else prepared', async (context) => {
  if (!isRoot) context.skip('only root uses an outside folder');
  const folder = folderOf(context);
  mkdirSync(join(folder, 'home'), { mode: 0o700 });
  mkdirSync(join(folder, 'outside'));
  chownSync(join(folder, 'outside'), ordinaryUid, ordinaryUid);
  await expect(start(join(folder, 'home'), { outsideDir: join(folder, 'outside') })).rejects.toThrow('belongs to another user');
});

test('an ordinary user runs it as itself, in a home that is closed to others', async (context) => {
  const folder = folderOf(context);
  const home = join(folder, 'home');
  mkdirSync(home);
  chmodSync(home, 0o700);
  if (isRoot) chownSync(home, ordinaryUid, ordinaryUid);
  const fixture = fileURLToPath(new URL('fixtures/start-and-report.ts', import.meta.url));
  const identity = isRoot ? { uid: ordinaryUid, gid: ordinaryUid } : {};
  const readable = await run(process.execPath, ['--version'], { cwd: '/', ...identity }).then(
    () => true,
    () => false,
  );
  if (!readable) context.skip('another user cannot enter this clone');
  const { stdout } = await run(process.execPath, [fixture, home], { cwd: '/', ...identity });
  const uid = isRoot ? ordinaryUid : process.getuid?.();
  expect(JSON.parse(stdout)).toEqual({ runsAs: uid, dataDir: join(home, 'data'), passwordMode: '600' });
});

test('stops in order, so that the next start has nothing to recover', async (context) => {
  const folder = folderOf(context);
  const server = await start(folder);
  const client = new pg.Client({ connectionString: server.url });
  await client.connect();
  // It says so twice: by the server's message, and by the end of the connection.
  const lost = new Promise((resolve) => client.on('error', resolve));
  await server.stop();
  await lost;
  expect(server.logTail()).toContain('database system is shut down');
});
