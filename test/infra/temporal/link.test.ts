import { afterEach, beforeEach, expect, test } from 'vitest';
import { findPort } from '../../../infra/state/ports.ts';
import { createTemporalLink, type TemporalLink } from '../../../infra/temporal/link.ts';
import type { TemporalServer } from '../../../infra/temporal/server.ts';
import { startOwnTemporal } from '../../support/own-temporal.ts';
import { describeWithServers, testFolder } from '../../support/servers.ts';

let folder: ReturnType<typeof testFolder>;
let port: number;
let server: TemporalServer | null;
let link: TemporalLink;

const startServer = async (): Promise<void> => {
  server = await startOwnTemporal(folder.folder, port);
};
const killServer = async (signal: NodeJS.Signals = 'SIGKILL'): Promise<void> => {
  if (server === null) return;
  process.kill(server.identity.pid, signal);
  if (signal !== 'SIGKILL') return;
  await server.exited;
  server = null;
};

beforeEach(async () => {
  folder = testFolder();
  port = await findPort();
  link = createTemporalLink({ temporalAddress: `127.0.0.1:${port}`, temporalNamespace: 'default' });
});
afterEach(async () => {
  await link.close();
  await killServer();
  folder.close();
});

const ask = (withinMs = 20_000) =>
  link.ask(withinMs, async (client) => {
    await client.workflowService.getSystemInfo({});
    return 'answered';
  });
const settled = (asks: readonly Promise<string>[]) =>
  Promise.all(
    asks.map((one) =>
      one.then(
        (answer) => answer,
        () => 'failed',
      ),
    ),
  );

describeWithServers('createTemporalLink()', () => {
  test('answers once a server is there, again after it was killed and came back, and settles every call meanwhile', async () => {
    await expect(ask(1_000)).rejects.toMatchObject({ code: 'PRN_UNREACHABLE' });
    await startServer();
    expect(await settled(Array.from({ length: 20 }, () => ask()))).toEqual(Array.from({ length: 20 }, () => 'answered'));
    await killServer();
    for (let round = 0; round < 3; round += 1) {
      expect(await settled(Array.from({ length: 20 }, () => ask(1_000)))).toEqual(Array.from({ length: 20 }, () => 'failed'));
    }
    await startServer();
    expect(await settled(Array.from({ length: 20 }, () => ask()))).toEqual(Array.from({ length: 20 }, () => 'answered'));
  });

  test('gives up a server that hangs within the time allowed, and finds it again when it goes on', async () => {
    await startServer();
    expect(await ask()).toBe('answered');
    await killServer('SIGSTOP');
    const started = performance.now();
    expect(await settled([ask(1_000), ask(1_000)])).toEqual(['failed', 'failed']);
    expect(performance.now() - started).toBeLessThan(10_000);
    await killServer('SIGCONT');
    await expect.poll(() => ask(5_000).catch(() => 'failed'), { timeout: 30_000 }).toBe('answered');
  });
});
