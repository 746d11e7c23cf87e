import { beforeEach, describe, expect, it } from 'vitest';
import type { OnlineFeatureRow } from '../../../activities/deps.ts';
import { createOnlineFeatures } from '../../../infra/postgres/online-features.ts';
import type { Instant } from '../../../workflows/domain/units.ts';
import { applyFlights, flights, openBench } from './bench.ts';

let bench: Awaited<ReturnType<typeof openBench>>;
beforeEach(async () => {
  bench = await openBench();
  await applyFlights(bench);
  return bench.end;
});

const row = (entity: string, value: number | null, day = 1): OnlineFeatureRow => ({
  view: 'carrier_delay',
  entity,
  values: { late: value },
  knownAt: `2001-01-${String(day).padStart(2, '0')}T00:00:00.000Z` as Instant,
});

async function* rowsOf(...rows: OnlineFeatureRow[]): AsyncGenerator<OnlineFeatureRow> {
  yield* rows;
}

async function* many(count: number): AsyncGenerator<OnlineFeatureRow> {
  for (let index = 0; index < count; index += 1) yield row(`carrier ${index}`, index / 7);
}

async function* breaking(): AsyncGenerator<OnlineFeatureRow> {
  yield* many(5_000);
  throw new Error('the source broke');
}

describe('online features', () => {
  it('are replaced as a set', async () => {
    const features = createOnlineFeatures(bench.db);
    expect(await features.publication(flights)).toBeNull();
    expect(await features.load(flights)).toEqual({ publication: null, rows: [] });
    expect(await features.publish(flights, 'january', rowsOf(row('AA', 0.2), row('ZZ', null)))).toBe(2);
    expect(await features.publish(flights, 'february', rowsOf(row('AA', 0.3), row('UA', 0.1)))).toBe(2);
    const { publication, rows } = await features.load(flights);
    expect(publication).toBe('february');
    expect([...rows].sort((a, b) => (a.entity < b.entity ? -1 : 1))).toEqual([row('AA', 0.3), row('UA', 0.1)]);
    expect(await features.publication(flights)).toMatchObject({ publication: 'february', rows: 2 });
  });

  it('change nothing where the same set is published again', async () => {
    const features = createOnlineFeatures(bench.db);
    await features.publish(flights, 'january', rowsOf(row('AA', 0.2)));
    expect(await features.publish(flights, 'january', rowsOf(row('AA', 9), row('UA', 9)))).toBe(1);
    expect((await features.load(flights)).rows).toEqual([row('AA', 0.2)]);
  });

  it('keep the newest value of an entity, in whatever order and however far apart they come', async () => {
    async function* apart(): AsyncGenerator<OnlineFeatureRow> {
      yield row('carrier 1', 99, 9);
      yield* many(4_500);
      yield row('carrier 2', 98, 8);
    }
    const features = createOnlineFeatures(bench.db);
    expect(await features.publish(flights, 'p', apart())).toBe(4_500);
    const values = new Map((await features.load(flights)).rows.map((one) => [one.entity, one.values['late']]));
    expect([values.get('carrier 1'), values.get('carrier 2'), values.get('carrier 4499')]).toEqual([99, 98, 4499 / 7]);
  });

  it('stay where they are needed beside the set, and are the same the second time', async () => {
    const features = createOnlineFeatures(bench.db);
    const of = (view: string, value: number) => ({ ...row('AA', value), view });
    const asked: string[] = [];
    const publish = (publication: string, needed: string[], ...rows: OnlineFeatureRow[]) =>
      features.publish(flights, publication, rowsOf(...rows), null, async () => {
        asked.push(publication);
        return needed;
      });
    const sorted = async () => (await features.load(flights)).rows.toSorted((a, b) => (a.view < b.view ? -1 : 1));
    await publish('january', [], of('rate@1', 0.1), of('rate@2', 0.2), of('seats@1', 3));
    expect(await publish('february', ['rate@2'], of('rate@1', 0.5))).toBe(2);
    expect(await sorted()).toEqual([of('rate@1', 0.5), of('rate@2', 0.2)]);
    expect(await publish('february', [], of('rate@1', 9))).toBe(2);
    expect(asked).toEqual(['january', 'february']);
    expect(await sorted()).toEqual([of('rate@1', 0.5), of('rate@2', 0.2)]);
    expect(await features.held(flights, ['rate@1', 'rate@2', 'seats@1', 'rate'])).toEqual(new Set(['rate@1', 'rate@2']));
    expect(await publish('march', [], of('rate@1', 0.6))).toBe(1);
    expect(await sorted()).toEqual([of('rate@1', 0.6)]);
  });

  it('stay as they were where publishing breaks off', async () => {
    const features = createOnlineFeatures(bench.db);
    await features.publish(flights, 'january', rowsOf(row('AA', 0.2)));
    await expect(features.publish(flights, 'february', breaking())).rejects.toThrow('the source broke');
    expect(await features.load(flights)).toEqual({ publication: 'january', rows: [row('AA', 0.2)] });
  });

  it('are never seen half', async () => {
    const features = createOnlineFeatures(bench.db);
    await features.publish(flights, 'p0', many(3_000));
    const publishing = features.publish(flights, 'p1', many(6_000));
    const state = { done: false };
    void publishing.finally(() => {
      state.done = true;
    });
    const expected: Readonly<Record<string, number>> = { p0: 3_000, p1: 6_000 };
    while (!state.done) {
      const { publication, rows } = await createOnlineFeatures(bench.db).load(flights);
      expect(rows.length).toBe(expected[publication ?? '']);
    }
    expect(await publishing).toBe(6_000);
  });
});
