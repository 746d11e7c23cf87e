import fc from 'fast-check';
import { expect, test } from 'vitest';
import { remakeDecisions, tryRules } from '#domain/decide/watch/backtest.ts';
import type { Occasion } from '#domain/decide/watch/occasions.ts';
import type { RunKey } from '#domain/units.ts';
import { dayAt, watchPlan, windowOf } from '../../../workflows/pretend-watch.ts';
import { beginStory, historyOf, live } from './story.ts';

type Told = readonly [Occasion, { dataTime: ReturnType<typeof dayAt> }];

/** A day: its window, then what else happened in it. Whether a run ends is decided by whether one began. */
const dayOf = (day: number, psi: number, looks: number, asks: boolean, labels: number): Told[] => [
  [{ kind: 'window', window: windowOf(day, psi) }, { dataTime: dayAt(day + 1) }],
  ...Array.from({ length: looks }, (_, at): Told => [{ kind: 'look' }, { dataTime: dayAt(day + 1 + at / 48) }]),
  ...(asks
    ? [
        [
          { kind: 'asked', asked: { by: 'grafana', kind: 'webhook', despite: [] }, subject: 'watch' },
          { dataTime: dayAt(day + 1.5) },
        ] as Told,
      ]
    : []),
  ...(labels > 5 ? [[{ kind: 'look' }, { dataTime: dayAt(day + 1.6) }] as Told] : []),
];

const end = (day: number, outcome: 'promoted' | 'rejected' | 'failed'): Told => [
  { kind: 'ended', run: { runKey: '0123456789abcdef' as RunKey, outcome, reason: 'it ended', endedAt: dayAt(day) } },
  { dataTime: dayAt(day + 1.7) },
];

const days = fc.array(
  fc.record({
    psi: fc.constantFrom(0.01, 0.12, 0.6),
    looks: fc.nat(4),
    asks: fc.boolean(),
    labels: fc.nat(10),
    outcome: fc.constantFrom('promoted' as const, 'rejected' as const, 'failed' as const),
  }),
  { minLength: 1, maxLength: 40 },
);

const tell = (
  told: { psi: number; looks: number; asks: boolean; labels: number; outcome: 'promoted' | 'rejected' | 'failed' }[],
  retrain: object = {},
) => {
  let state = beginStory(retrain);
  const rows = told.flatMap(({ psi, looks, asks, labels, outcome }, day) => {
    const first = live(state, dayOf(day, psi, looks, asks, labels));
    const rest = first.state.retrain?.running == null ? { state: first.state, rows: [] } : live(first.state, [end(day, outcome)]);
    state = rest.state;
    return [...first.rows, ...rest.rows];
  });
  const windows = new Map(told.map(({ psi }, day) => [`${dayAt(day)}/${dayAt(day + 1)}`, windowOf(day, psi).observation]));
  return historyOf(rows, windows);
};

test('remakeDecisions() gives every decision again, byte for byte, whatever happened and whatever was left out', () => {
  fc.assert(
    fc.property(days, (told) => {
      for (const { made, remade } of remakeDecisions(tell(told, { cooldown: '2d' })))
        expect(JSON.stringify(remade)).toBe(JSON.stringify(made.decision));
    }),
    { numRuns: 200 },
  );
});

test('tryRules() gives every decision again where the rules are the same', () => {
  fc.assert(
    fc.property(days, (told) => {
      const { retrain, drift } = watchPlan({}, { cooldown: '2d' });
      for (const { made, remade } of tryRules(tell(told, { cooldown: '2d' }), { retrain, drift }))
        expect(remade).toEqual(made.decision);
    }),
    { numRuns: 100 },
  );
});

const drifting = Array.from({ length: 10 }, (_, day) => ({
  psi: day < 3 ? 0.01 : 0.3,
  looks: 1,
  asks: false,
  labels: 0,
  outcome: 'rejected' as const,
}));
const runsOf = (found: ReturnType<typeof tryRules>) =>
  found.filter(({ remade }) => remade.decision === 'retrain').map(({ made }) => made.at);

test('tryRules() shows what a longer cooldown would have saved', () => {
  const history = tell(drifting, { cooldown: '1d' });
  const { drift, retrain } = watchPlan({}, { cooldown: '30d' });
  const made = history.filter(({ decision }) => decision.decision === 'retrain').length;
  expect(made).toBeGreaterThan(1);
  expect(runsOf(tryRules(history, { drift, retrain }))).toHaveLength(1);
});

test('tryRules() judges the windows anew by other levels of drift', () => {
  const history = tell(drifting, { cooldown: '1d' });
  const { drift, retrain } = watchPlan({}, { cooldown: '1d' });
  const blind = tryRules(history, { retrain, drift: { ...drift, enter: 2, warn: 1, leave: 1 } });
  expect(runsOf(blind)).toEqual([]);
  // Runs that were not made did not end either.
  expect(blind.every(({ remade }) => remade.page === null)).toBe(true);
});

test('tryRules() lets a run that only it makes end by the next decision, and leaves a snooze alone', () => {
  const history = tell(drifting.map((day) => ({ ...day, psi: 0.01 })));
  const { drift, retrain } = watchPlan({}, { on: ['age'], max_age: '2d', cooldown: '1d' });
  const found = tryRules(history, { drift, retrain });
  expect(runsOf(found).length).toBeGreaterThan(1);
  const snoozed = history.map((one) => ({ ...one, policy: { ...one.policy, on: [] } }));
  expect(runsOf(tryRules(snoozed, { drift, retrain }))).toEqual([]);
});

test('remakeDecisions() sees a record that was tampered with', () => {
  const history = tell(drifting, { cooldown: '1d' });
  const decisions = history.map((one, at) =>
    at === 3 ? { ...one, decision: { ...one.decision, sentence: 'Wait (nothing): because' } } : one,
  );
  expect(
    remakeDecisions(decisions).filter(({ made, remade }) => JSON.stringify(made.decision) !== JSON.stringify(remade)),
  ).toHaveLength(1);
});
