/** The real command with real servers of its own: started, hurt, killed, taken over, stopped. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import pg from 'pg';
import { describe, expect, onTestFinished, type TestContext, test } from 'vitest';
import { childEnvironment } from '../../../infra/config.ts';
import { type Endpoints, readEndpoints } from '../../../infra/state/endpoints.ts';
import { isRunning, type ProcessIdentity } from '../../../infra/state/processes.ts';
import { type ProcessName, readUpRecord } from '../../../infra/state/up-record.ts';
import { connectTemporal } from '../../../infra/temporal/client.ts';
import type { UpEvent } from '../../../workers/supervise/start-up.ts';
import { requirePostgres, requireTemporal, testFolder } from '../../support/servers.ts';

const run = promisify(execFile);
const mainFile = fileURLToPath(new URL('../../../workers/cli/main.ts', import.meta.url));
const timeout = 240_000;
const waitMs = 120_000;

type Place = { readonly stateDir: string; readonly env: Record<string, string | undefined> };

const placeOf = (context: TestContext): Place => {
  requirePostgres(context);
  requireTemporal(context);
  const { folder, close } = testFolder();
  const stateDir = join(folder, 'state');
  const free = { PERENNIAL_PORT: '0', PERENNIAL_CONTROL_PORT: '0' };
  const env = childEnvironment({ ...free, PERENNIAL_STATE_DIR: stateDir, DATABASE_URL: null, TEMPORAL_ADDRESS: null });
  onTestFinished(async () => {
    await run(process.execPath, [mainFile, 'down'], { env });
    close();
  });
  return { stateDir, env };
};

type Event = UpEvent | { readonly kind: 'failed'; readonly code: string; readonly message: string };
type Up = { readonly child: ChildProcess; readonly events: Event[]; readonly ended: Promise<unknown[]>; errors(): string };

const startCommand = ({ env }: Place, ...parameters: string[]): Up => {
  const child = spawn(process.execPath, [mainFile, 'up', '--json', ...parameters], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const events: Event[] = [];
  let errors = '';
  child.stderr.on('data', (chunk) => (errors += String(chunk)));
  createInterface({ input: child.stdout }).on('line', (line) => events.push(JSON.parse(line) as Event));
  return { child, events, ended: once(child, 'exit'), errors: () => errors };
};

const untilReady = async (up: Up): Promise<void> => {
  const isReady = (): boolean => up.events.some(({ kind }) => kind === 'ready');
  await expect.poll(() => isReady() || up.child.exitCode !== null, { timeout: waitMs, message: 'up never got ready' }).toBe(true);
  if (!isReady()) throw new Error(`"up" ended with ${up.child.exitCode}: ${up.errors()}`);
};

const identityOf = ({ stateDir }: Place, name: ProcessName): ProcessIdentity | null =>
  readUpRecord(stateDir)?.processes.find((status) => status.name === name)?.identity ?? null;

const identities = ({ stateDir }: Place): ProcessIdentity[] =>
  (readUpRecord(stateDir)?.processes ?? []).flatMap(({ identity }) => (identity === null ? [] : [identity]));

const endpointsOf = ({ stateDir }: Place): Endpoints => readEndpoints({ stateDir }) as Endpoints;

const ask = async (place: Place, statement: string): Promise<unknown[]> => {
  const client = new pg.Client({ connectionString: endpointsOf(place).databaseUrl });
  await client.connect();
  try {
    return (await client.query(statement)).rows;
  } finally {
    await client.end();
  }
};

const killAndAwaitReturn = async (place: Place, name: ProcessName): Promise<void> => {
  const before = identityOf(place, name) as ProcessIdentity;
  process.kill(before.pid, 'SIGKILL');
  const isBack = (): boolean => {
    const now = readUpRecord(place.stateDir)?.processes.find((status) => status.name === name);
    return now?.state === 'ready' && now.identity?.pid !== before.pid;
  };
  await expect.poll(isBack, { timeout: waitMs, message: `"${name}" did not come back` }).toBe(true);
};

describe('perennial up', { timeout }, () => {
  test('starts all, starts again whatever is killed, tells a second one, and stops without leaving anything', async (context) => {
    const place = placeOf(context);
    const up = startCommand(place);
    await untilReady(up);
    const all = identities(place);
    expect(all).toHaveLength(7);
    for (const url of [endpointsOf(place).serveUrl, endpointsOf(place).controlUrl]) {
      expect((await fetch(`${url}/v2/health/live`)).status).toBe(200);
    }

    const second = await run(process.execPath, [mainFile, 'up'], { env: place.env });
    expect(second.stdout).toContain(`Already running from "${place.stateDir}" (process ${up.child.pid})`);
    expect(second.stdout).toContain(endpointsOf(place).controlUrl);

    await ask(place, "insert into perennial.pipelines (name) values ('kept')");
    for (const name of ['serve', 'postgres', 'temporal'] as const) await killAndAwaitReturn(place, name);
    expect(await ask(place, 'select name from perennial.pipelines')).toEqual([{ name: 'kept' }]);
    // Workers outlive the servers beneath them.
    const survivors = readUpRecord(place.stateDir)?.processes.filter(({ name }) =>
      ['flow', 'cpu', 'gpu', 'control'].includes(name),
    );
    expect(survivors?.map(({ restarts, state }) => ({ restarts, state }))).toEqual(
      Array.from({ length: 4 }, () => ({ restarts: 0, state: 'ready' })),
    );
    const restarting = up.events.filter((event) => event.kind === 'process' && event.status.state === 'restarting');
    expect(JSON.stringify(restarting)).toContain('was ended by SIGKILL; starting again in 0.25 s');

    const last = identities(place);
    up.child.kill('SIGINT');
    expect(await up.ended).toEqual([0, null]);
    expect([...all, ...last].filter(isRunning)).toEqual([]);
    expect(readdirSync(place.stateDir).filter((file) => /^(up\.|endpoints)/.test(file))).toEqual([]);
  });

  test('ends what one that was killed left, and goes on with its data; `down` stops it, `--purge` removes it', async (context) => {
    const place = placeOf(context);
    const without = ['--without', 'flow', 'cpu', 'gpu', 'serve'];
    const first = startCommand(place, ...without);
    await untilReady(first);
    await ask(place, "insert into perennial.pipelines (name) values ('kept')");
    const { client, close } = await connectTemporal(endpointsOf(place));
    await client.workflow.start('nobody-runs-it', { workflowId: 'kept', taskQueue: 'no-worker' });
    await close();
    const left = identities(place);
    first.child.kill('SIGKILL');
    await first.ended;
    expect(left.filter(isRunning)).toEqual(left);

    const { stdout } = await run(process.execPath, [mainFile, 'up', '--detach', ...without], { env: place.env });
    expect(stdout).toContain(endpointsOf(place).controlUrl);
    expect(left.filter(isRunning)).toEqual([]);
    expect(await ask(place, 'select name from perennial.pipelines')).toEqual([{ name: 'kept' }]);
    const again = await connectTemporal(endpointsOf(place));
    expect((await again.client.workflow.getHandle('kept').describe()).status.name).toBe('RUNNING');
    await again.close();

    const running = identities(place);
    const down = await run(process.execPath, [mainFile, 'down', '--purge'], { env: place.env });
    expect(down.stdout).toContain(`Removed ${place.stateDir}`);
    expect(running.filter(isRunning)).toEqual([]);
    expect(existsSync(place.stateDir)).toBe(false);
  });

  test('`down` alone ends what one that was killed left', async (context) => {
    const place = placeOf(context);
    const up = startCommand(place, '--without', 'flow', 'cpu', 'gpu', 'serve', 'control');
    await untilReady(up);
    const left = identities(place);
    up.child.kill('SIGKILL');
    await up.ended;
    await run(process.execPath, [mainFile, 'down'], { env: place.env });
    expect(left.filter(isRunning)).toEqual([]);
  });

  test('fails with the reason where a program cannot start, and leaves nothing running', async (context) => {
    const place = placeOf(context);
    // An address of a documentation network: no machine has it.
    const env = { ...place.env, PERENNIAL_WORKER_METRICS: '192.0.2.1:9464' };
    const up = startCommand({ ...place, env }, '--without', 'cpu', 'gpu', 'control', 'serve');
    expect(await up.ended).toEqual([6, null]);
    expect(up.events.at(-1)).toMatchObject({ kind: 'failed', code: 'PRN_UNREACHABLE' });
    expect(readUpRecord(place.stateDir)).toBeNull();
  });
});
