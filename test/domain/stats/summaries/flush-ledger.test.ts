import { array, assert, constantFrom, integer, property, record, shuffledSubarray } from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Flush, flushSchema, type WindowTally } from '#domain/contracts/flush.ts';
import { type Layout, windowCountsSchema } from '#domain/contracts/reference-profile.ts';
import {
  emptyLedger,
  type FlushLedger,
  type FlushOutcome,
  flushRefusals,
  latest,
  recordFlush,
  totals,
} from '#domain/stats/summaries/flush-ledger.ts';
import { momentsOf } from '#domain/stats/summaries/moments.ts';
import { countValues } from '#domain/stats/summaries/place-value.ts';
import { addWindows, firstFallen, hasShape, type ProfileShape, shapeOf } from '#domain/stats/summaries/window-counts.ts';
import type { Instant, Sha256 } from '#domain/units.ts';
import { expectRelative } from '../tolerance.ts';

const amount: Layout = { kind: 'numeric', edges: [0, 10] };
const colour: Layout = { kind: 'categorical', values: ['red', '__proto__'], seen: { kind: 'exact', values: ['blue'] } };
const score: Layout = { kind: 'numeric', edges: [0.5] };
const predicted: Layout = { kind: 'categorical', values: ['no', 'yes'], seen: { kind: 'exact', values: [] } };
const variable = (layout: Layout) => ({ layout }) as never;
const shape: ProfileShape = shapeOf({
  features: [variable(amount), variable(colour)],
  scores: [variable(score)],
  predictions: variable(predicted),
});

const profileSha256 = 'a'.repeat(64) as Sha256;
const modelSha256 = 'b'.repeat(64) as Sha256;
const instant = (hour: number) => `2026-03-01T${String(hour).padStart(2, '0')}:00:00.000Z` as Instant;

type Row = { amount: unknown; colour: unknown; score: number };
const numbersOf = (values: unknown[]) => momentsOf(values.filter((value) => Number.isFinite(value)) as number[]);
const windowOf = (hour: number, rows: Row[]): WindowTally => ({
  from: instant(hour),
  to: instant(hour + 1),
  rows: rows.length,
  features: [
    {
      counts: countValues(
        amount,
        rows.map((row) => row.amount),
      ),
      outside: 0,
      moments: numbersOf(rows.map((row) => row.amount)),
    },
    {
      counts: countValues(
        colour,
        rows.map((row) => row.colour),
      ),
      outside: 0,
      moments: null,
    },
  ],
  scores: [
    {
      counts: countValues(
        score,
        rows.map((row) => row.score),
      ),
      outside: 0,
      moments: numbersOf(rows.map((row) => row.score)),
    },
  ],
  predictions: countValues(
    predicted,
    rows.map((row) => (row.score > 0.5 ? 'yes' : 'no')),
  ),
});
const flushOf = (parts: Partial<Flush>): Flush => ({
  format: 1,
  serverId: 'one',
  arm: 'champion',
  modelSha256,
  profileSha256,
  epoch: 'first',
  sequence: 1,
  windows: [],
  ...parts,
});

/** A mutation anywhere would be seen at once. */
const freezeAll = <Value>(value: Value): Value => {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value))
    Object.values(Object.freeze(value)).forEach(freezeAll);
  return value;
};
const empty = freezeAll(emptyLedger({ [profileSha256]: shape }));
const recorded = (ledger: FlushLedger, flush: Flush): FlushLedger => {
  const outcome = recordFlush(freezeAll(ledger), freezeAll(flush));
  if (outcome.kind === 'refused') throw new TypeError(`${outcome.reason}: ${outcome.statement}`);
  return outcome.ledger;
};
const allOf = (flushes: Flush[]): FlushLedger => flushes.reduce(recorded, empty);

const row: Row = { amount: 3, colour: 'red', score: 0.7 };
const other: Row = { amount: -0, colour: 'green', score: 0.2 };
const refusal = (ledger: FlushLedger, flush: Flush): Extract<FlushOutcome, { kind: 'refused' }> => {
  const outcome = recordFlush(freezeAll(ledger), freezeAll(flush));
  expect(outcome.ledger).toBe(ledger);
  if (outcome.kind !== 'refused') throw new TypeError('the flush must be refused');
  return outcome;
};

describe('recordFlush()', () => {
  const one = flushOf({ sequence: 1, windows: [windowOf(0, [row])] });
  const two = flushOf({ sequence: 2, windows: [windowOf(0, [row, other]), windowOf(1, [row])] });
  const whole = allOf([one, two]);

  test('takes the latest word of a process', () => {
    expect(totals(whole)).toEqual([
      { profileSha256, modelSha256, arm: 'champion', ...windowOf(0, [row, other]) },
      { profileSha256, modelSha256, arm: 'champion', ...windowOf(1, [row]) },
    ]);
  });

  test.each([
    ['repeated', [one, one, two, two, one]],
    ['overtaken', [two, one]],
    ['lost', [two]],
  ])('is not troubled by a flush that is %s', (_, flushes) => expect(totals(allOf(flushes))).toEqual(totals(whole)));

  test('keeps what a window said last, when later flushes leave it out', () => {
    const later = flushOf({ sequence: 3, windows: [windowOf(1, [row, row])] });
    expect(totals(allOf([two, later])).map(({ rows }) => rows)).toEqual([2, 2]);
    expect(totals(allOf([later, two])).map(({ rows }) => rows)).toEqual([2, 2]);
  });

  test('adds a new epoch, which begins at zero, to the old one', () => {
    const reborn = flushOf({ epoch: 'second', sequence: 1, windows: [windowOf(0, [row])] });
    expect(totals(allOf([two, reborn])).map(({ rows }) => rows)).toEqual([3, 1]);
  });

  test('keeps arms and models apart', () => {
    const canary = flushOf({ arm: 'canary', modelSha256: 'c'.repeat(64) as Sha256, windows: [windowOf(0, [other])] });
    expect(totals(allOf([two, canary])).map(({ arm, rows }) => [arm, rows])).toEqual([
      ['champion', 2],
      ['champion', 1],
      ['canary', 1],
    ]);
  });

  test('keeps apart what one process counted before and after it changed arms', () => {
    const promoted = flushOf({ arm: 'canary', sequence: 3, windows: [windowOf(0, [other])] });
    const rows = (flushes: Flush[]) => totals(allOf(flushes)).map((total) => [total.arm, total.rows]);
    expect(rows([two, promoted])).toEqual([
      ['canary', 1],
      ['champion', 2],
      ['champion', 1],
    ]);
    expect(rows([promoted, two])).toEqual(rows([two, promoted]));
  });

  test('is at ease with names that objects know already', () => {
    const strange = ['__proto__', 'constructor', 'one'].map((serverId) => flushOf({ ...two, serverId }));
    expect(totals(allOf(strange)).map(({ rows }) => rows)).toEqual([6, 3]);
  });

  test('refuses a profile that it does not know', () => {
    const flush = flushOf({ ...one, profileSha256: 'd'.repeat(64) as Sha256 });
    expect(refusal(whole, flush)).toMatchObject({
      reason: 'unknown profile',
      statement: `No profile ${'d'.repeat(64)} is known`,
    });
    expect(refusal(whole, flushOf({ ...one, profileSha256: '__proto__' as Sha256 })).reason).toBe('unknown profile');
  });

  const [first] = one.windows as [WindowTally];
  const withFeature = (change: object): WindowTally => ({
    ...first,
    features: [{ ...(first.features[0] as WindowTally['features'][number]), ...change }, ...first.features.slice(1)],
  });
  test.each<[string, WindowTally]>([
    ['a cell too many', withFeature({ counts: { cells: [0, 1, 0, 0], missing: 0, nonFinite: 0, wrongType: 0 } })],
    ['no moments', withFeature({ moments: null })],
    ['a feature too few', { ...first, features: first.features.slice(1) }],
    ['no score', { ...first, scores: [] }],
    ['no predictions', { ...first, predictions: null }],
  ])('refuses counters of another shape: %s', (_, window) => {
    expect(refusal(whole, flushOf({ sequence: 9, windows: [window] })).reason).toBe('wrong shape');
  });

  test('refuses a window that stands twice', () => {
    expect(refusal(whole, flushOf({ sequence: 9, windows: [windowOf(7, []), windowOf(7, [])] })).reason).toBe('window twice');
  });

  test('refuses a counter that falls within an epoch, whichever flush comes first', () => {
    const fallen = flushOf({ sequence: 3, windows: [windowOf(0, [row])] });
    expect(refusal(whole, fallen)).toMatchObject({
      reason: 'counter fell',
      statement: `Window ${instant(0)} of one: rows fell from sequence 2 to 3`,
    });
    expect(refusal(allOf([fallen]), two).reason).toBe('counter fell');
  });

  test.each<[string, WindowTally, WindowTally]>([
    ['features 0', windowOf(0, [row]), windowOf(0, [{ ...row, amount: 30 }])],
    ['features 0', windowOf(0, [row]), windowOf(0, [{ ...row, amount: 4 }])],
    ['features 0', withFeature({ outside: 1 }), first],
    ['features 1', windowOf(0, [row]), windowOf(0, [{ ...row, colour: null }])],
    ['features 1', windowOf(0, [{ ...row, colour: null }]), windowOf(0, [row])],
    ['features 1', windowOf(0, [{ ...row, colour: 5 }]), windowOf(0, [row])],
    ['features 0', windowOf(0, [{ ...row, amount: Number.POSITIVE_INFINITY }]), windowOf(0, [row])],
    ['scores 0', windowOf(0, [row]), windowOf(0, [{ ...row, score: 0.8 }])],
  ])('sees what fell: %s', (what, earlier, later) => expect(firstFallen(earlier, later)).toBe(what));

  test('sees a mean that moved without another row', () => {
    const rowsOf = (middle: number) => [1, middle, 9].map((amount) => ({ ...row, amount }));
    expect(firstFallen(windowOf(0, rowsOf(3)), windowOf(0, rowsOf(4)))).toBe('features 0');
    expect(firstFallen(windowOf(0, rowsOf(3)), windowOf(0, [...rowsOf(3), row]))).toBeNull();
  });

  test('sees predictions that fell', () => {
    const predictions = { cells: [1, 0, 0, 0], missing: 0, nonFinite: 0, wrongType: 0 };
    expect(firstFallen(first, { ...first, predictions })).toBe('predictions');
  });

  test('refuses a sequence that comes again with other counters', () => {
    const again = flushOf({ sequence: 2, windows: [windowOf(0, [row, other, other])] });
    expect(refusal(whole, again)).toMatchObject({
      reason: 'sequence reused',
      statement: `Window ${instant(0)} of one: sequence 2 came with other rows`,
    });
    const moved = flushOf({ sequence: 2, windows: [windowOf(0, [{ ...row, amount: 4 }, other])] });
    expect(refusal(whole, moved).reason).toBe('sequence reused');
  });

  test('refuses the whole flush where one window is wrong', () => {
    const flush = flushOf({ sequence: 3, windows: [windowOf(2, [row]), windowOf(0, [])] });
    expect(refusal(whole, flush).reason).toBe('counter fell');
  });

  test('has a name for every refusal', () => expect(new Set(flushRefusals).size).toBe(5));

  test('of nothing is nothing', () => {
    expect(totals(empty)).toEqual([]);
    expect(totals(recorded(empty, flushOf({})))).toEqual([]);
  });

  test('is one upsert for a table: the same row, whichever came first', () => {
    const [old, fresh] = [one, two].map(({ sequence, windows }) => ({ sequence, window: windows[0] as WindowTally }));
    if (old === undefined || fresh === undefined) throw new TypeError('there are two');
    expect([latest(undefined, old), latest(old, fresh), latest(fresh, old), latest(fresh, fresh)]).toEqual([
      old,
      fresh,
      fresh,
      fresh,
    ]);
  });

  test('passes contracts', () => {
    expect(flushSchema.parse(two)).toEqual(two);
    expect(flushSchema.safeParse({ ...two, sequence: 0 }).success).toBe(false);
    for (const { arm, modelSha256, ...counts } of totals(whole)) {
      expect(windowCountsSchema.parse(counts)).toEqual(counts);
      expect([arm, modelSha256]).toEqual(['champion', two.modelSha256]);
    }
  });
});

describe('windows', () => {
  test('add up to the shortest that spans both', () => {
    const sum = addWindows(freezeAll(windowOf(5, [row])), freezeAll(windowOf(2, [other])));
    const direct = windowOf(2, [row, other]);
    expect([sum.from, sum.to, sum.rows]).toEqual([instant(2), instant(6), 2]);
    expect(sum.features).toEqual(direct.features);
    expect(sum.scores[0]?.counts).toEqual(direct.scores[0]?.counts);
    expect(sum.predictions).toEqual(direct.predictions);
    expect(hasShape(sum, shape)).toBe(true);
  });

  test('of other variables do not add up', () => {
    const window = windowOf(0, [row]);
    expect(() => addWindows(window, { ...window, features: [] })).toThrow(RangeError);
    expect(() => addWindows(window, { ...window, predictions: null })).toThrow(RangeError);
  });
});

describe('any servers, any restarts, any transport', () => {
  const anyRow = record({
    amount: constantFrom<unknown>(-5, -0, 0, 10, 11, 1e9, null, Number.NaN, Number.POSITIVE_INFINITY, '3'),
    colour: constantFrom<unknown>('red', '', '__proto__', 'blue', null, 7),
    score: constantFrom(0, 0.5, 0.9, 1),
  });
  const step = record({
    row: anyRow,
    server: integer({ min: 0, max: 2 }),
    hour: integer({ min: 0, max: 1 }),
    after: constantFrom('nothing', 'nothing', 'flush', 'restart'),
  });
  type Step = { row: Row; server: number; hour: number; after: string };

  /** What the servers send: cumulative flushes, the last of each epoch marked, for that one arrives at some time. */
  const flushesOf = (steps: Step[]): { flush: Flush; last: boolean }[] =>
    [0, 1, 2].flatMap((server) => {
      const sent: { flush: Flush; last: boolean }[] = [];
      let rows: Step[] = [];
      let epoch = 0;
      let sequence = 0;
      const send = (last: boolean): void => {
        const windows = [0, 1].flatMap((hour) => {
          const counted = rows.filter((one) => one.hour === hour).map((one) => one.row);
          return counted.length === 0 ? [] : [windowOf(hour, counted)];
        });
        sequence += 1;
        sent.push({ flush: flushOf({ serverId: `server ${server}`, epoch: `${epoch}`, sequence, windows }), last });
      };
      for (const one of steps.filter((each) => each.server === server)) {
        rows.push(one);
        if (one.after === 'flush') send(false);
        if (one.after === 'restart') {
          send(true);
          [rows, epoch, sequence] = [[], epoch + 1, 0];
        }
      }
      send(true);
      return sent;
    });

  const direct = (steps: Step[]): WindowTally[] =>
    [0, 1].flatMap((hour) => {
      const rows = steps.filter((one) => one.hour === hour).map((one) => one.row);
      return rows.length === 0 ? [] : [windowOf(hour, rows)];
    });
  const withoutMoments = (windows: readonly WindowTally[]) =>
    windows.map(({ rows, features, scores, predictions }) => [
      rows,
      features.map(({ counts }) => counts),
      scores.map(({ counts }) => counts),
      predictions,
    ]);

  test('give the counters of one count over all rows', () => {
    const plan = array(step, { maxLength: 25 }).chain((steps) => {
      const sent = flushesOf(steps as Step[]);
      const last = sent.filter((one) => one.last).map(({ flush }) => flush);
      const all = sent.map(({ flush }) => flush);
      // Any of them may be lost or come twice, in any order; of each epoch the last comes at least once.
      return shuffledSubarray([...all, ...all]).chain((some) =>
        shuffledSubarray([...last, ...some], { minLength: last.length + some.length }).map((arriving) => ({ steps, arriving })),
      );
    });
    assert(
      property(plan, ({ steps, arriving }) => {
        const found = totals(allOf(arriving));
        const wanted = direct(steps as Step[]);
        expect(withoutMoments(found)).toEqual(withoutMoments(wanted));
        found.forEach(({ features }, window) => {
          const [moments, exact] = [features[0]?.moments, wanted[window]?.features[0]?.moments];
          expect([moments?.count, moments?.min, moments?.max]).toEqual([exact?.count, exact?.min, exact?.max]);
          expectRelative(moments?.mean as number, exact?.mean as number, 1e-12, 1e-6);
          expectRelative(moments?.squaredDeviations as number, exact?.squaredDeviations as number, 1e-12, 1e-6);
        });
        expect(totals(allOf([...arriving].reverse()))).toEqual(found);
      }),
      { numRuns: 2000 },
    );
  });
});
