import { beforeEach, expect, test } from 'vitest';
import type { ArmTally } from '#domain/contracts/capture.ts';
import type { WindowTally } from '#domain/contracts/flush.ts';
import type { Instant, Sha256 } from '#domain/units.ts';
import { sha256Of } from '../../../infra/objects/digest.ts';
import { readDataClock } from '../../../infra/postgres/data-clock.ts';
import { createRegistry } from '../../../infra/postgres/registry.ts';
import { createTallySink } from '../../../infra/postgres/tallies.ts';
import { createWatchEvidence } from '../../../infra/postgres/watch-evidence.ts';
import { applyFlights, candidate, flights, openBench } from './bench.ts';

const hourMs = 3_600_000;
const begin = Date.parse('2001-01-01T00:00:00Z');
const instant = (hours: number): Instant => new Date(begin + hours * hourMs).toISOString() as Instant;

let bench: Awaited<ReturnType<typeof openBench>>;
beforeEach(async () => {
  bench = await openBench();
  await applyFlights(bench);
  for (const name of ['a', 'b'])
    await createRegistry(bench.db).register({ ...candidate(name), profileSha256: sha256Of(`profile ${name}`) }, 'ada');
  return bench.end;
});

const window = (index: number, rows: number): WindowTally => ({
  from: instant(index),
  to: instant(index + 1),
  rows,
  features: [],
  scores: [],
  predictions: null,
});

const sink = () => createTallySink(bench.db, async () => ({ features: [], scores: [], predictions: null }));
/** One process with a version of its own tells of windows, and of its newest event. */
const tell = async (name: 'a' | 'b', windows: readonly WindowTally[], lastEventAt: Instant): Promise<void> => {
  const [modelSha256, epoch] = [sha256Of(`model ${name}`), 'e1'];
  const arm: ArmTally['arm'] = name === 'a' ? 'champion' : 'candidate';
  const process = { serverId: 'server-1', epoch, arm, modelSha256, sequence: 1 };
  const profileSha256: Sha256 = sha256Of(`profile ${name}`);
  const flush = { format: 1 as const, ...process, profileSha256, windows: [...windows] };
  expect(await sink().recordWindows(flights, flush)).toEqual({ kind: 'recorded' });
  const counted = { requests: 1, units: 1, events: {}, latency: { zeros: 0, bins: {} }, shadow: null };
  await sink().recordArms([{ ...process, pipeline: flights, generation: 1, lastEventAt, ...counted }]);
};
const read = (since: Instant | null = null) => readDataClock(createWatchEvidence(bench.db), flights, since);

test('readDataClock() adds up what two versions answered of one window', async () => {
  const usual = [0, 1, 2].map((index) => window(index, 500));
  await tell('a', [...usual, window(3, 20)], instant(3.2));
  // Of so many as windows usually have, 20 rows are too few to believe.
  expect((await read()).dataMs).toBe(Date.parse(instant(2)));
  await tell('b', [window(3, 15)], instant(3.5));
  for (const _ of ['once', 'again']) {
    const { dataMs, windows, rows } = await read();
    expect(dataMs).toBe(Date.parse(instant(3.5)));
    expect(windows.map((one) => one.rows)).toEqual([500, 500, 500, 35]);
    expect(rows).toHaveLength(5);
  }
});

test('readDataClock() leaves out what begins before an instant; nothing was counted elsewhere', async () => {
  await tell('a', [window(0, 500), window(1, 500)], instant(1.5));
  expect((await read(instant(1))).windows).toEqual([{ fromMs: begin + hourMs, toMs: begin + 2 * hourMs, rows: 500 }]);
  const elsewhere = await readDataClock(createWatchEvidence(bench.db), 'churn' as typeof flights, null);
  expect(elsewhere).toMatchObject({ dataMs: null, windows: [] });
  expect(Math.abs(elsewhere.wallMs - Date.now())).toBeLessThan(hourMs);
});
