/** Counters on their way to a ledger that loses, repeats and re-orders: what arrives in the end is what was counted. */
import { array, assert, asyncProperty, constantFrom, integer, record } from 'fast-check';
import { describe, expect, test } from 'vitest';
import { armTallySchema } from '#domain/contracts/capture.ts';
import type { Flush } from '#domain/contracts/flush.ts';
import { flushSchema } from '#domain/contracts/flush.ts';
import { emptyLedger, type FlushLedger, recordFlush, totals } from '#domain/stats/summaries/flush-ledger.ts';
import { shapeOf } from '#domain/stats/summaries/window-counts.ts';
import type { Instant, PipelineName, Sha256 } from '#domain/units.ts';
import { silentLogger } from '../../../infra/telemetry/logger.ts';
import { createMetrics } from '../../../infra/telemetry/metrics.ts';
import { createCounterRegistry } from '../../../serving/capture/registry.ts';
import { startTeller } from '../../../serving/capture/teller.ts';
import { mostWindows } from '../../../serving/capture/window-counters.ts';
import type { Serving } from '../../../serving/model/serving.ts';
import { churnFeatures } from '../support/models.ts';
import { churnProfile } from '../support/profiles.ts';

const hourMs = 3_600_000;
const profileSha256 = 'a'.repeat(64) as Sha256;
const model = {
  modelSha256: 'b'.repeat(64) as Sha256,
  package: { task: 'binary', classes: ['false', 'true'], positiveClass: 'true' },
  featureSet: churnFeatures,
  profile: { sha256: profileSha256, profile: churnProfile },
};
const serving = {
  pipeline: 'churn' as PipelineName,
  generation: 4,
  segment: 4,
  version: 1,
  model,
  rollout: null,
  captured: 1,
} as unknown as Serving;
const answerOf = (tenure: number) => ({ prediction: tenure > 50, probability: tenure / 100 });

/** A server's counters, with a clock that is moved by hand. */
const createServer = (deliver: (flush: Flush) => Promise<void>) => {
  let clockMs = 0;
  const told: string[] = [];
  const registry = createCounterRegistry('epoch', () => clockMs);
  const tallies: unknown[] = [];
  const teller = startTeller({
    serverId: 'server:1',
    epoch: 'epoch',
    flushMs: 3_600_000,
    sink: {
      recordWindows: async (_, flush) => {
        await deliver(flushSchema.parse(flush));
        return { kind: 'recorded' };
      },
      clock: async () => new Date(clockMs).toISOString() as Instant,
      recordTold: async (_, until) => void told.push(until),
      recordArms: async (arms) => void tallies.push(...arms.map((one) => armTallySchema.parse(one))),
    },
    telling: registry,
    afterRound: async () => registry.forgetIdle(),
    log: silentLogger(),
    metrics: createMetrics(),
  });
  /** Rows that are lost by it; 0: counted, and all others too. */
  const count = (hour: number, tenure: number): number => {
    const row = { tenure, contract: 'monthly', charges: null };
    return registry.windowsOf(serving, 'champion')?.count(hour * hourMs + 5, row, null, answerOf(tenure)) ?? Number.NaN;
  };
  return { registry, teller, tallies, told, count, wait: (ms: number) => (clockMs += ms) };
};

type Step =
  | { readonly kind: 'count'; readonly hour: number; readonly tenure: number }
  | { readonly kind: 'tell' | 'lost' | 'unanswered' | 'twice' | 'late' | 'idle' };

describe('counters', () => {
  test('heal over flushes that are lost, repeated, late or unanswered, and over windows that were forgotten', async () => {
    const step = record({
      kind: constantFrom<Step['kind']>('count', 'count', 'count', 'tell', 'lost', 'unanswered', 'twice', 'late', 'idle'),
      hour: integer({ min: 0, max: 3 }),
      tenure: integer({ min: 0, max: 100 }),
    });
    await assert(
      asyncProperty(array(step, { maxLength: 40 }), async (steps) => {
        const heard: Flush[] = [];
        const held: Flush[] = [];
        let how: Step['kind'] = 'tell';
        const server = createServer(async (flush) => {
          if (how === 'lost') throw new Error('lost on the way');
          if (how === 'late') held.push(flush);
          else heard.push(flush);
          if (how === 'twice') heard.push(flush);
          if (how === 'unanswered') throw new Error('heard, but the answer was lost');
        });
        const rows = new Map<number, number[]>();
        for (const one of steps) {
          if (one.kind === 'count') {
            expect(server.count(one.hour, one.tenure)).toBe(0);
            rows.set(one.hour, [...(rows.get(one.hour) ?? []), one.tenure]);
          } else {
            how = one.kind === 'idle' ? 'tell' : one.kind;
            await server.teller.tell();
            if (one.kind === 'idle') server.wait(2 * hourMs);
          }
        }
        how = 'tell';
        await server.teller.close();
        let ledger: FlushLedger = emptyLedger({ [profileSha256]: shapeOf(churnProfile) });
        for (const flush of [...heard, ...held.toReversed()]) {
          const outcome = recordFlush(ledger, flush);
          expect(outcome).toMatchObject({ kind: 'recorded' });
          ledger = outcome.ledger;
        }
        const windows = totals(ledger).map((total) => ({
          hour: Date.parse(total.from) / hourMs,
          rows: total.rows,
          mean: total.features[0]?.moments?.mean,
          classes: total.predictions?.cells,
        }));
        expect(windows).toEqual(
          [...rows]
            .toSorted(([left], [right]) => left - right)
            .map(([hour, tenures]) => ({
              hour,
              rows: tenures.length,
              mean: expect.closeTo(tenures.reduce((sum, tenure) => sum + tenure, 0) / tenures.length, 9),
              classes: [tenures.filter((tenure) => tenure <= 50).length, tenures.filter((tenure) => tenure > 50).length, 0, 0],
            })),
        );
      }),
      { numRuns: 300 },
    );
  });

  test('are said to be told up to where a round began, also by a server with none, and not where one was lost', async () => {
    let isLost = false;
    const { count, teller, told, wait } = createServer(async () => {
      if (isLost) throw new Error('away');
    });
    await teller.tell();
    expect(told).toEqual(['1970-01-01T00:00:00.000Z']);
    wait(1_000);
    count(1, 5);
    isLost = true;
    await teller.tell();
    expect(told).toHaveLength(1);
    isLost = false;
    wait(1_000);
    await teller.close();
    expect(told.at(-1)).toBe('1970-01-01T00:00:02.000Z');
  });

  test('of windows that were heard are not told again, and those of one row in a thousand windows are', async () => {
    const told: Flush[] = [];
    const { count, teller } = createServer(async (flush) => void told.push(flush));
    for (let hour = 0; hour < mostWindows; hour += 1) expect(count(hour, 5)).toBe(0);
    // One more would let a client fill the memory with event times of its own making.
    expect(count(-1_000_000, 5)).toBe(1);
    await teller.tell();
    expect(told.flatMap(({ windows }) => windows)).toHaveLength(mostWindows);
    expect(new Set(told.map(({ sequence }) => sequence)).size).toBe(told.length);
    told.length = 0;
    await teller.tell();
    expect(told).toEqual([]);
    count(17, 5);
    await teller.close();
    expect(told.map(({ windows }) => windows.map(({ rows }) => rows))).toEqual([[2]]);
  });
});

describe('event times that are made up', () => {
  const rowsOf = (told: readonly Flush[], hour: number): number => {
    const newest = new Map<string, number>();
    for (const { epoch, windows } of told) {
      for (const { from, rows } of windows) if (Date.parse(from) === hour * hourMs) newest.set(epoch, rows);
    }
    return [...newest.values()].reduce((sum, rows) => sum + rows, 0);
  };

  test('cost no row of a true window, though they fill all places before and after each telling', async () => {
    const told: Flush[] = [];
    const { count, teller } = createServer(async (flush) => void told.push(flush));
    let invented = -1_000_000;
    for (let round = 0; round < 5; round += 1) {
      for (let n = 0; n < mostWindows; n += 1) {
        count(invented--, 5);
        expect(count(1_000 + round, 5)).toBeLessThan(2);
        count(1_000, 5);
      }
      await teller.tell();
    }
    expect(rowsOf(told, 1_000)).toBe(6 * mostWindows);
    for (let round = 1; round < 5; round += 1) expect(rowsOf(told, 1_000 + round)).toBe(mostWindows);
  });

  test('are themselves counted as lost, each row once', async () => {
    const told: Flush[] = [];
    const { count, teller } = createServer(async (flush) => void told.push(flush));
    let lost = 0;
    for (let n = 0; n < 2 * mostWindows; n += 1) {
      lost += count(-1_000_000 - n, 5);
      lost += count(7, 5) + count(8, 5);
    }
    await teller.tell();
    const heard = told.flatMap(({ windows }) => windows).reduce((sum, { rows }) => sum + rows, 0);
    expect(lost).toBeGreaterThan(0);
    expect(heard + lost).toBe(6 * mostWindows);
    expect(rowsOf(told, 7) + rowsOf(told, 8)).toBe(4 * mostWindows);
  });
});

describe('the counters of an arm', () => {
  test('are told although no window can be, and windows that can be although another cannot', async () => {
    const heard: Flush[] = [];
    const server = createServer(async (flush) => {
      if (flush.arm === 'champion') throw new Error('the store is away');
      heard.push(flush);
    });
    const withCandidate = { ...serving, rollout: { strategy: 'canary', candidate: { version: 2, model } } } as unknown as Serving;
    server.count(0, 5);
    const row = { tenure: 5, contract: 'monthly', charges: null };
    server.registry.windowsOf(withCandidate, 'candidate')?.count(0, row, null, answerOf(5));
    server.registry.armOf(serving, 'champion').begin([null]);
    await server.teller.tell();
    expect(heard.map(({ arm }) => arm)).toEqual(['candidate']);
    expect(server.tallies).toHaveLength(1);
    await server.teller.close();
  });

  test('are told when they changed, with every event that can be observed, and units once', async () => {
    const { registry, teller, tallies } = createServer(async () => {});
    const arm = registry.armOf(serving, 'champion');
    arm.begin([{ number: 1 }, { number: 2 }, { number: 1 }]);
    arm.begin([{ number: 2 }]);
    arm.begin([null, null]);
    arm.event('errors');
    // Without bounds nobody knows what slow is.
    arm.event('latency_p95');
    arm.took(0.123);
    arm.took(0);
    arm.answeredAt(Date.UTC(2001, 0, 1), Date.UTC(2001, 0, 2));
    // A client whose calendar is wrong does not move the time of the data.
    arm.answeredAt(Date.UTC(2999, 0, 1), Date.UTC(2001, 0, 2));
    await teller.tell();
    await teller.tell();
    expect(tallies).toEqual([
      {
        serverId: 'server:1',
        epoch: 'epoch',
        sequence: expect.any(Number),
        pipeline: 'churn',
        generation: 4,
        arm: 'champion',
        modelSha256: model.modelSha256,
        requests: 3,
        units: 3,
        events: { errors: 1, timeouts: 0, shed: 0, invalid_output: 0, out_of_range: 0 },
        lastEventAt: '2001-01-01T00:00:00.000Z',
        // ceil(ln 0.123 / ln(1.01 / 0.99)) = -104
        latency: { zeros: 1, bins: { '-104': 1 } },
        shadow: null,
      },
    ]);
    await teller.close();
  });

  test('wait for requests under way', async () => {
    const { registry } = createServer(async () => {});
    const arm = registry.armOf(serving, 'champion');
    await arm.idle();
    arm.begin([null]);
    let isIdle = false;
    const waitForIdle = async (): Promise<void> => {
      await arm.idle();
      isIdle = true;
    };
    const idle = waitForIdle();
    await Promise.resolve();
    expect(isIdle).toBe(false);
    arm.end();
    await idle;
    expect(isIdle).toBe(true);
  });
});
