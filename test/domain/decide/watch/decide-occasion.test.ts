import { expect, test } from 'vitest';
import { remakeDecisions } from '#domain/decide/watch/backtest.ts';
import type { Occasion } from '#domain/decide/watch/occasions.ts';
import type { RunKey } from '#domain/units.ts';
import { dayAt, dayMs, digestOf, windowOf } from '../../../workflows/pretend-watch.ts';
import { beginStory, factsOf, historyOf, live } from './story.ts';

const windowAt = (day: number, psi: number, over = {}): [Occasion, object] => [
  { kind: 'window', window: windowOf(day, psi, over) },
  { dataTime: dayAt(day + 1) },
];
const look = (day: number): [Occasion, object] => [{ kind: 'look' }, { dataTime: dayAt(day) }];
const asked = (day: number, kind: 'person' | 'webhook', by = 'alertmanager'): [Occasion, object] => [
  { kind: 'asked', asked: { by, kind, despite: [] }, subject: 'watch' },
  { dataTime: dayAt(day) },
];
const runKey = '0123456789abcdef' as RunKey;
const endedAt = (day: number, outcome: 'promoted' | 'rejected'): [Occasion, object] => [
  { kind: 'ended', run: { runKey, outcome, reason: 'a reason', endedAt: dayAt(day) } },
  { dataTime: dayAt(day) },
];

test('decideOccasion() records each window twice: its verdict, and what follows from it', () => {
  const { rows, state } = live(beginStory(), [windowAt(0, 0.01), windowAt(1, 0.01)]);
  expect(rows.map(({ kind, subject }) => `${kind} ${subject}`)).toEqual(
    [0, 1].flatMap((day) => ['drift', 'retrain'].map((kind) => `${kind} ${dayAt(day)}/${dayAt(day + 1)}`)),
  );
  expect(state.drift?.judgedUntil).toBe(dayAt(2));
});

test('decideOccasion() decides upon a backlog as of the end of each window', () => {
  const late = { dataTime: dayAt(30) };
  const { rows } = live(
    beginStory(),
    [0, 1, 2].map((day) => [windowAt(day, 0.6)[0], late] as const),
  );
  const instants = rows.filter(({ kind }) => kind === 'retrain').map(({ input }) => (input as { nowMs: number }).nowMs);
  expect(instants).toEqual([1, 2, 3].map((day) => Date.parse(dayAt(day))));
});

test('decideOccasion() records the same "no" once, and says how often it came', () => {
  const { rows, state } = live(beginStory(), [...Array.from({ length: 9 }, (_, at) => look(at / 24)), windowAt(0, 0.01)]);
  expect(rows.map(({ kind }) => kind)).toEqual(['retrain', 'drift', 'retrain']);
  expect(rows.at(-1)?.input).toMatchObject({ collapsedBefore: 8 });
  // The window's own "no" was the same: looks after it say nothing new.
  expect(live(state, [look(1.1), look(1.2)]).rows).toEqual([]);
});

test('decideOccasion() loses no "no" with a new reason, a new asker or a new veto, nor the day of the schedule', () => {
  const begun = live(beginStory(), [look(0)]).state;
  expect(live(begun, [asked(0.1, 'webhook')]).rows).toMatchObject([{ action: 'retrain' }]);
  const running = { ...live(begun, [asked(0.1, 'webhook')]).state, run: { workflowId: 'r', runKey } };
  const storm = live(
    running,
    Array.from({ length: 50 }, () => asked(0.2, 'webhook')),
  );
  expect(storm.rows).toMatchObject([{ action: 'suppressed' }]);
  expect(live(storm.state, [asked(0.2, 'webhook', 'grafana')]).rows).toHaveLength(1);
  expect(live(storm.state, [endedAt(0.3, 'rejected'), asked(0.3, 'webhook')]).rows).toHaveLength(2);
  expect(live(storm.state, [asked(0.2, 'person', 'ada'), asked(0.2, 'person', 'ada')]).rows).toHaveLength(2);
  // A week on, a fixed schedule would have retrained.
  expect(live(live(beginStory(), [look(0)]).state, [look(8)]).rows).toHaveLength(1);
});

test('decideOccasion() counts a run that somebody else started, and its own only once', () => {
  const other = live(beginStory(), [[asked(0, 'webhook')[0], { dataTime: dayAt(0), otherRuns: ['fedcba9876543210' as RunKey] }]]);
  expect(other.rows[0]).toMatchObject({ action: 'suppressed', reason: expect.stringContaining('runs in progress 1') });
  const started = live(beginStory(), [asked(0, 'person')]);
  const own = { ...started.state, run: { workflowId: 'r', runKey } };
  const again = live(own, [[asked(0.1, 'webhook')[0], { dataTime: dayAt(0.1), otherRuns: [runKey] }]]);
  expect(again.rows[0]?.reason).toContain('runs in progress 1 <= 0');
  const freed = live(own, [endedAt(0.2, 'promoted')]).decided[0]?.retrain;
  expect(freed?.inequalities.find(({ what }) => what === 'runs in progress')?.left ?? 0).toBe(0);
});

test('decideOccasion() lets a broken window count for nothing but itself', () => {
  const breaches = [{ check: 'missing rate', variable: 'tenure', statement: '0.9 > 0.05' }] as const;
  const { rows, state } = live(beginStory(), [
    windowAt(0, 9, { breaches }),
    windowAt(1, 9, { breaches }),
    windowAt(2, 9, { breaches }),
  ]);
  expect(rows.filter(({ kind }) => kind === 'quality').map(({ action }) => action)).toEqual([
    'quarantine',
    'quarantine',
    'quarantine',
  ]);
  expect(rows.filter(({ kind }) => kind === 'retrain').every(({ action }) => action === 'wait')).toBe(true);
  expect(state.drift?.alarm).toBe(false);
});

test('decideOccasion() finds no reason while snoozed, and the same reason after it', () => {
  const snoozed = { ...beginStory(), snoozed: { untilMs: 9, by: 'ada', reason: 'a move' } };
  const { rows, state } = live(snoozed, [windowAt(0, 0.6), windowAt(1, 0.6), windowAt(2, 0.6)]);
  expect(rows.filter(({ kind }) => kind === 'drift').at(-1)?.action).toBe('alarm');
  expect(rows.some(({ action }) => action === 'retrain')).toBe(false);
  expect(live({ ...state, snoozed: null }, [windowAt(3, 0.6)]).rows.at(-1)).toMatchObject({ action: 'retrain' });
});

test('decideOccasion() hears labels: a breach of performance comes before drift', () => {
  const verdict = { outcome: 'fail' as const, reason: 'roc_auc lost', inequalities: [], evidenceIds: ['roc_auc'] };
  const { from, to } = windowOf(0).observation;
  const matured: Occasion = {
    kind: 'matured',
    measured: { from, to, reportSha256: digestOf('9'), performance: verdict, calibration: null },
  };
  const { rows } = live(beginStory(), [[matured, { dataTime: dayAt(2) }]]);
  expect(rows).toMatchObject([{ kind: 'retrain', action: 'retrain', evidenceIds: ['roc_auc'], subject: `${from}/${to}` }]);
});

test('decideOccasion() counts a cure of the calibration as a run, as no other cure is there yet', () => {
  const verdict = { outcome: 'fail' as const, reason: 'p = 0.001', inequalities: [], evidenceIds: ['calibration'] };
  const ranked = { outcome: 'pass' as const, reason: 'as good', inequalities: [], evidenceIds: ['roc_auc'] };
  const { from, to } = windowOf(0).observation;
  const measured = {
    from,
    to,
    reportSha256: digestOf('9'),
    performance: ranked,
    calibration: { remedy: 'recalibrate' as const, verdict },
  };
  const { rows, state } = live(beginStory(), [[{ kind: 'matured', measured }, { dataTime: dayAt(2) }]]);
  expect(rows[0]).toMatchObject({ action: 'retrain', reason: expect.stringContaining('Retrain (calibration)') });
  expect(state.retrain?.startsMs).toHaveLength(1);
});

test('decideOccasion() goes by where training ended until there is traffic', () => {
  const { decided } = live(beginStory({ on: ['age'], max_age: '1d' }), [
    [{ kind: 'look' }, { dataTime: null }],
    [{ kind: 'look' }, { dataTime: dayAt(2) }],
  ]);
  expect(decided.map(({ retrain }) => retrain.decision)).toEqual(['wait', 'retrain']);
  expect(factsOf().trainedAtMs % dayMs).toBe(0);
});

test('decideOccasion() goes on by the wall while nothing new comes, but decides upon a window as of its end', () => {
  const begun = live(beginStory({ cooldown: '1d' }), [asked(1, 'webhook'), endedAt(1, 'rejected')]).state;
  const later = (goneMs: number): [Occasion, object] => [asked(1, 'webhook')[0], { dataTime: dayAt(1), goneMs }];
  expect(live(begun, [later(dayMs / 2)]).rows).toMatchObject([
    { action: 'suppressed', reason: expect.stringContaining('hours since the last run began 12 > 24') },
  ]);
  expect(live(begun, [later(2 * dayMs)]).rows).toMatchObject([{ action: 'retrain' }]);
  const [window] = live(beginStory(), [[windowAt(0, 0)[0], { dataTime: dayAt(1), goneMs: 9 * dayMs }]]).rows.slice(-1);
  expect(window?.input).toMatchObject({ nowMs: Date.parse(dayAt(1)) });
});

test('decideOccasion() goes by the wall while nobody serves, and holds a storm of alerts back by its cooldown', () => {
  const nobody = (day: number) => ({ model: null, labels: null, trainedAtMs: Date.parse(dayAt(day)), dataTime: dayAt(0) });
  const storm = (day: number): [Occasion, object] => [asked(day, 'webhook')[0], nobody(day)];
  const failed: [Occasion, object] = [
    { kind: 'ended', run: { runKey, outcome: 'failed', reason: 'no source', endedAt: dayAt(5) } },
    nobody(5),
  ];
  const { rows } = live(beginStory({ cooldown: '1d' }), [storm(5), failed, storm(5.5), storm(7)]);
  expect(rows.map(({ action }) => action)).toEqual(['retrain', 'wait', 'suppressed', 'retrain']);
});

test('decideOccasion() gives the budget back what came to nothing, and keeps the cooldown', () => {
  const nothing: [Occasion, object] = [
    { kind: 'ended', run: { runKey, outcome: 'inconclusive', reason: 'the same', endedAt: dayAt(1) }, cameToNothing: true },
    { dataTime: dayAt(1) },
  ];
  const budget = { runs: 1, per: '30d' };
  const { rows, state } = live(beginStory({ cooldown: '1d', budget }), [
    asked(1, 'webhook'),
    nothing,
    asked(1.5, 'webhook'),
    asked(3, 'webhook'),
  ]);
  expect(rows.map(({ action }) => action)).toEqual(['retrain', 'wait', 'suppressed', 'retrain']);
  expect(state.retrain).toMatchObject({ startsMs: [Date.parse(dayAt(3))], runs: 1 });
  const begun = live(beginStory({ cooldown: '1d', budget }), [asked(1, 'webhook'), endedAt(1, 'rejected'), asked(3, 'webhook')]);
  expect(begun.rows.at(-1)).toMatchObject({ action: 'suppressed', reason: expect.stringContaining('budget 1 < 1') });
  // Whoever makes the decisions of the record again comes to the same.
  for (const { made, remade } of remakeDecisions(historyOf(rows))) expect(remade).toEqual(made.decision);
});
