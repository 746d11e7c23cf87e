import { beforeEach, describe, expect, it } from 'vitest';
import { sha256Of } from '../../../infra/objects/digest.ts';
import { createRegistry } from '../../../infra/postgres/registry.ts';
import { createTallySink } from '../../../infra/postgres/tallies.ts';
import { createTallies } from '../../../infra/postgres/tally-totals.ts';
import type { ArmTally } from '../../../workflows/domain/contracts/capture.ts';
import type { Flush, WindowTally } from '../../../workflows/domain/contracts/flush.ts';
import { createRandom } from '../../../workflows/domain/stats/random.ts';
import { emptyLedger, recordFlush, totals } from '../../../workflows/domain/stats/summaries/flush-ledger.ts';
import { momentsOf } from '../../../workflows/domain/stats/summaries/moments.ts';
import type { ProfileShape } from '../../../workflows/domain/stats/summaries/window-counts.ts';
import type { Instant, PipelineName, Sha256 } from '../../../workflows/domain/units.ts';
import { applyFlights, candidate, flights, openBench } from './bench.ts';

const profileSha256 = sha256Of('profile');
const modelSha256 = sha256Of('model a');
const shape: ProfileShape = { features: [{ cells: 3, numeric: true }], scores: [{ cells: 2, numeric: true }], predictions: 2 };
const hour = 3_600_000;
const begin = Date.parse('2001-01-01T00:00:00Z');
const instant = (ms: number): Instant => new Date(ms).toISOString() as Instant;

let bench: Awaited<ReturnType<typeof openBench>>;
beforeEach(async () => {
  bench = await openBench();
  await applyFlights(bench);
  await createRegistry(bench.db).register({ ...candidate('a'), profileSha256 }, 'ada');
  return bench.end;
});
const sink = () => createTallySink(bench.db, async () => shape);

/** What a server has counted of some values: the place of each is its whole part. */
const windowOf = (index: number, values: readonly number[]): WindowTally => {
  const cells = (count: number): number[] =>
    Array.from({ length: count }, (_, cell) => values.filter((value) => Math.floor(value) % count === cell).length);
  const rest = { missing: 0, nonFinite: 0, wrongType: 0 };
  return {
    from: instant(begin + index * hour),
    to: instant(begin + (index + 1) * hour),
    rows: values.length,
    features: [{ counts: { cells: cells(3), ...rest }, outside: 0, moments: momentsOf(values) }],
    scores: [{ counts: { cells: cells(2), ...rest }, outside: 0, moments: momentsOf(values) }],
    predictions: { cells: cells(2), ...rest },
  };
};
const flush = (change: Partial<Flush> = {}): Flush => ({
  format: 1,
  serverId: 'server-1',
  arm: 'champion',
  modelSha256,
  profileSha256,
  epoch: 'e1',
  sequence: 1,
  windows: [windowOf(0, [1, 2, 2.5])],
  ...change,
});
const span = { from: instant(begin), to: instant(begin + 100 * hour) };
const windows = () => createTallies(bench.db).windows(flights, profileSha256, span);
const recorded = { kind: 'recorded' };

/** Cumulative flushes of some servers and lives, as they would be sent. */
const drawFlushes = (seed: number): Flush[] => {
  const random = createRandom(seed);
  return ['server-1', 'server-2'].flatMap((serverId) =>
    ['e1', 'e2', 'e2.1'].flatMap((epoch) => {
      const seen = new Map<number, number[]>();
      return Array.from({ length: 4 }, (_, n) => {
        for (let row = 0; row < 20; row++) {
          const index = Math.floor(random() * 3);
          seen.set(index, [...(seen.get(index) ?? []), random() * 6]);
        }
        const arm = serverId === 'server-1' ? 'champion' : 'candidate';
        return flush({
          serverId,
          epoch,
          arm,
          sequence: n + 1,
          windows: [...seen].map(([index, values]) => windowOf(index, values)),
        });
      });
    }),
  );
};
const shuffled = <T>(items: readonly T[], seed: number): T[] => {
  const random = createRandom(seed);
  return items
    .map((item) => ({ item, at: random() }))
    .sort((left, right) => left.at - right.at)
    .map(({ item }) => item);
};

describe('recordWindows()', () => {
  it('keeps the highest sequence: a repeated flush changes nothing, an overtaken one neither, a lost one is healed', async () => {
    const [first, second] = [flush(), flush({ sequence: 3, windows: [windowOf(0, [1, 2, 2.5, 4])] })];
    expect(await sink().recordWindows(flights, second)).toEqual(recorded);
    expect(await sink().recordWindows(flights, first)).toEqual(recorded);
    expect(await sink().recordWindows(flights, second)).toEqual(recorded);
    expect((await windows()).map(({ rows, arm }) => [arm, rows])).toEqual([['champion', 4]]);
    const { rows } = await bench.pool.query('select sequence, rows from perennial.window_tallies');
    expect(rows).toEqual([{ sequence: '3', rows: '4' }]);
  });

  it.each([1, 2, 3])(
    'gives what a ledger gives, in any order, with any repeats, from many connections at once (seed %i)',
    async (seed) => {
      const flushes = drawFlushes(seed);
      let ledger = emptyLedger({ [profileSha256]: shape });
      for (const one of flushes) {
        const outcome = recordFlush(ledger, one);
        if (outcome.kind === 'refused') throw new Error(outcome.statement);
        ledger = outcome.ledger;
      }
      const repeats = shuffled([...flushes, ...flushes.slice(0, 10)], seed + 100);
      const other = createTallySink(bench.open().db, async () => shape);
      const outcomes = await Promise.all(repeats.map((one, n) => (n % 2 === 0 ? sink() : other).recordWindows(flights, one)));
      expect(outcomes.every(({ kind }) => kind === 'recorded')).toBe(true);
      expect(await windows()).toEqual(totals(ledger));
    },
  );

  it.each([
    ['a profile that no version has', { profileSha256: sha256Of('other') }, 'unknown profile'],
    ['counters of another shape', { windows: [{ ...windowOf(0, [1]), scores: [] }] }, 'wrong shape'],
    ['a window twice', { windows: [windowOf(0, [1, 2, 2.5]), windowOf(0, [1, 2, 2.5])] }, 'window twice'],
    ['a counter that fell', { sequence: 2, windows: [windowOf(0, [1])] }, 'counter fell'],
    ['a sequence with other counters', { windows: [windowOf(0, [1, 2, 2.5, 5])] }, 'sequence reused'],
  ])('refuses %s, and keeps all that it knew', async (_, change, reason) => {
    await sink().recordWindows(flights, flush());
    const before = await windows();
    expect(await sink().recordWindows(flights, flush({ ...change }))).toMatchObject({ kind: 'refused', reason });
    expect(await windows()).toEqual(before);
  });

  it('refuses a flush whole', async () => {
    const wrong = flush({ windows: [windowOf(0, [1]), { ...windowOf(1, [1]), scores: [] }] });
    expect(await sink().recordWindows(flights, wrong)).toMatchObject({ kind: 'refused' });
    expect(await windows()).toEqual([]);
  });

  it('refuses the profile of another pipeline', async () => {
    expect(await sink().recordWindows('churn' as PipelineName, flush())).toMatchObject({
      kind: 'refused',
      reason: 'unknown profile',
    });
  });

  it('takes a flush without windows', async () => {
    expect(await sink().recordWindows(flights, flush({ windows: [] }))).toEqual(recorded);
    expect(await windows()).toEqual([]);
  });
});

const arm = (change: Partial<ArmTally> = {}): ArmTally => ({
  serverId: 'server-1',
  epoch: 'e1',
  sequence: 1,
  pipeline: flights,
  generation: 4,
  arm: 'champion',
  modelSha256,
  requests: 10,
  units: 9,
  events: { errors: 1 },
  lastEventAt: instant(begin),
  latency: { zeros: 1, bins: { '-3': 2, '10': 7 } },
  shadow: null,
  ...change,
});
const arms = (...generations: number[]) => createTallies(bench.db).arms(flights, generations);

describe('recordArms()', () => {
  it('adds servers and epochs, by generation and arm, and merges their latencies', async () => {
    await sink().recordArms([
      arm(),
      arm({
        serverId: 'server-2',
        requests: 5,
        events: { errors: 1, timeouts: 2 },
        lastEventAt: instant(begin + hour),
        latency: { zeros: 0, bins: { '10': 1, '11': 4 } },
      }),
    ]);
    await sink().recordArms([
      arm({ epoch: 'e2', requests: 1, units: 1, events: {}, lastEventAt: null, latency: { zeros: 1, bins: {} } }),
    ]);
    await sink().recordArms([arm({ arm: 'candidate', requests: 2 }), arm({ generation: 5, requests: 3 })]);
    const found = await arms(4);
    expect(found).toHaveLength(2);
    expect(found.find((one) => one.arm === 'champion')).toEqual({
      pipeline: flights,
      generation: 4,
      arm: 'champion',
      modelSha256,
      requests: 16,
      units: 19,
      unitsAtOne: 9,
      events: { errors: 2, timeouts: 2 },
      lastEventAt: instant(begin + hour),
      latency: { zeros: 2, bins: { '-3': 2, '10': 8, '11': 4 } },
      shadow: null,
    });
    expect((await arms(4, 5)).map((one) => [one.generation, one.arm, one.requests])).toEqual([
      [4, 'candidate', 2],
      [4, 'champion', 16],
      [5, 'champion', 3],
    ]);
    expect(await arms()).toEqual([]);
  });

  it('tells the units of the process that met most of a generation, both arms together', async () => {
    await sink().recordArms([
      arm({ serverId: 'server-1', units: 30 }),
      arm({ serverId: 'server-1', arm: 'candidate', units: 5 }),
      arm({ serverId: 'server-2', units: 28 }),
      arm({ serverId: 'server-2', arm: 'candidate', units: 8 }),
      arm({ serverId: 'server-2', epoch: 'e0', units: 29 }),
      arm({ serverId: 'server-1', generation: 5, units: 3 }),
    ]);
    const found = (await arms(4, 5)).map((one) => [one.generation, one.arm, one.units, one.unitsAtOne]);
    expect(found).toEqual([
      [4, 'candidate', 13, 8],
      [4, 'champion', 87, 28],
      [5, 'champion', 3, 3],
    ]);
  });

  it('keeps the highest sequence, also of two in one telling', async () => {
    await sink().recordArms([arm({ sequence: 2, requests: 20 }), arm({ sequence: 1, requests: 10 })]);
    await sink().recordArms([arm({ sequence: 1, requests: 10 })]);
    await sink().recordArms([arm({ sequence: 2, requests: 20 })]);
    expect((await arms(4)).map((one) => one.requests)).toEqual([20]);
    await sink().recordArms([]);
  });

  it('adds what shadows compared', async () => {
    const shadow = { compared: 4, disagreed: 1, absoluteDifference: 0.5 };
    await sink().recordArms([arm({ arm: 'candidate', shadow }), arm({ arm: 'candidate', epoch: 'e2', shadow })]);
    expect((await arms(4))[0]?.shadow).toEqual({ compared: 8, disagreed: 2, absoluteDifference: 1 });
  });
});

describe('newestEventAt()', () => {
  it('is the newest of all arms, and never more than an hour ahead of the clock', async () => {
    const tallies = createTallies(bench.db);
    expect(await tallies.newestEventAt(flights)).toBeNull();
    await sink().recordArms([arm({ lastEventAt: null })]);
    expect(await tallies.newestEventAt(flights)).toBeNull();
    await sink().recordArms([arm({ epoch: 'e2' }), arm({ epoch: 'e3', arm: 'candidate', lastEventAt: instant(begin + hour) })]);
    expect(await tallies.newestEventAt(flights)).toBe(instant(begin + hour));
    await sink().recordArms([arm({ epoch: 'e4', lastEventAt: '2099-01-01T00:00:00.000Z' as Instant })]);
    const capped = Date.parse((await tallies.newestEventAt(flights)) ?? '');
    expect(Math.abs(capped - Date.now() - hour)).toBeLessThan(60_000);
  });
});

describe('recordGap()', () => {
  it('tells a gap once, and counts the rows of an epoch with those of its parts', async () => {
    await sink().recordWindows(flights, flush());
    await sink().recordWindows(flights, flush({ epoch: 'e1.1', windows: [windowOf(0, [1])] }));
    await sink().recordWindows(flights, flush({ epoch: 'e10', windows: [windowOf(0, [1, 1])] }));
    expect(await sink().countedRows('server-1', 'e1')).toEqual([{ pipeline: flights, modelSha256, rows: 4 }]);
    expect(await sink().countedRows('server-2', 'e1')).toEqual([]);
    const gap = {
      serverId: 'server-1',
      epoch: 'e1',
      pipeline: flights,
      modelSha256: modelSha256 as Sha256,
      logged: 7,
      counted: 4,
    };
    await sink().recordGap(gap);
    await sink().recordGap({ ...gap, counted: 5 });
    expect(await createTallies(bench.db).gaps(flights)).toMatchObject([gap]);
  });
});
