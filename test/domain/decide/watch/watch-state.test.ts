import { expect, test } from 'vitest';
import type { RetrainState } from '#domain/contracts/retrain-policy.ts';
import { type WatchState, watchStateSchema } from '#domain/contracts/watch.ts';
import { startDriftMemory } from '#domain/decide/drift/next-drift-state.ts';
import { occasionsOf } from '#domain/decide/watch/occasions.ts';
import {
  advanceCursor,
  beginWatch,
  followClock,
  followModel,
  followServing,
  hearAlert,
  hearFailure,
  judgedOf,
  nameAlerts,
  pushView,
  refuseState,
} from '#domain/decide/watch/watch-state.ts';
import { beginMs, dayAt, digestOf, labels, measured, modelOf, newCursor, windowOf } from '../../../workflows/pretend-watch.ts';
import { frozen } from '../retrain/observed.ts';
import { beginStory, factsOf, live } from './story.ts';

const alert = (id: string, over = {}) => ({ id, source: 'alertmanager', text: 'ErrorsHigh', asksForRetrain: true, ...over });

test('a watch that begins is a state that the contract knows, and so is one that has lived', () => {
  const begun = beginWatch('churn' as never, beginMs);
  expect(watchStateSchema.parse(begun)).toEqual(begun);
  const lived = live(beginStory(), [[{ kind: 'window', window: windowOf(0) }, { dataTime: dayAt(1) }]]).state;
  expect(watchStateSchema.parse(lived)).toEqual(lived);
});

test('the state stays under 40 KB with a hundred features and every list full', () => {
  let state = beginStory({ budget: { runs: 200, per: '365d' } });
  for (let at = 0; at < 300; at += 1)
    state = hearAlert(
      state,
      alert(`${'a very long source'.repeat(20)}/${at}`, { source: `source ${at}`, text: 'x'.repeat(500) }),
    );
  const full = {
    ...state,
    retrain: {
      ...(live(state, [[{ kind: 'look' }, { dataTime: dayAt(1) }]]).state.retrain as RetrainState),
      startsMs: Array.from({ length: 200 }, () => beginMs),
    },
    drift: { ...startDriftMemory({ sha256: digestOf('b') as never, features: 100, predictions: 2 }) },
    decisions: Array.from({ length: 20 }, () => ({
      at: dayAt(0),
      decision: 'suppressed',
      reason: 'retrain',
      sentence: 'x'.repeat(200),
    })),
    reports: Array.from({ length: 20 }, () => ({
      kind: 'drift' as const,
      from: dayAt(0),
      to: dayAt(1),
      outcome: 'no alarm',
      reason: 'x'.repeat(200),
      reportSha256: digestOf('c'),
    })),
  };
  const memory = { phase: 'recovering', recent: ['middle', 'middle', 'middle'] };
  full.drift = { ...full.drift, features: full.drift.features.map(() => memory) as never };
  expect(Buffer.byteLength(JSON.stringify(watchStateSchema.parse(full)))).toBeLessThan(40_000);
});

test('refuseState() says what is wrong with a state that is none of this version', () => {
  expect(refuseState(beginWatch('churn' as never, beginMs))).toBeNull();
  expect(refuseState({ format: 2 })).toContain('it has 2');
  expect(refuseState(null)).toContain('null');
  expect(refuseState({ format: 1 })).toContain('"plan"');
});

test('hearAlert() counts an id once, remembers two hundred, and asks once for a source', () => {
  let state = frozen(beginStory());
  for (let at = 0; at < 1000; at += 1) state = frozen(hearAlert(state, alert(String(at))));
  expect(hearAlert(state, alert('999'))).toBe(state);
  expect(state.counters.alerts).toBe(1000);
  expect(state.recentAlerts).toHaveLength(200);
  expect(state.alerts).toEqual([{ source: 'alertmanager', text: 'ErrorsHigh', count: 1000 }]);
  expect(nameAlerts(state.alerts)).toBe('alertmanager (1000 alerts, the first: ErrorsHigh)');
});

test('hearAlert() takes whatever comes, and asks for nothing where it is only to be known', () => {
  const state = beginStory();
  for (const odd of [null, undefined]) expect(hearAlert(state, odd)).toBe(state);
  expect(hearAlert(state, {}).alerts).toEqual([]);
  expect(hearAlert(state, alert('1', { asksForRetrain: false }))).toMatchObject({ alerts: [], counters: { alerts: 1 } });
  const many = Array.from({ length: 20 }, (_, at) => at).reduce(
    (last, at) => hearAlert(last, alert(String(at), { source: `s${at}` })),
    state,
  );
  expect(many.alerts).toHaveLength(8);
  expect(many.alerts.reduce((sum, { count }) => sum + count, 0)).toBe(20);
});

test('followModel() forgets windows of another profile, and keeps those of the same', () => {
  const lived = live(beginStory(), [[{ kind: 'window', window: windowOf(0) }, { dataTime: dayAt(1) }]]).state;
  expect(followModel(lived, modelOf())).toBe(lived);
  expect(followModel(lived, modelOf(2)).drift).toMatchObject({ profileSha256: modelOf(2).profileSha256, judgedUntil: null });
  expect(followModel(lived, null).drift).toBeNull();
  expect(followModel(lived, { ...modelOf(3), profileSha256: null }).drift).toBeNull();
});

test('advanceCursor() never goes back, but for a new profile', () => {
  const cursor = { ...newCursor(), profileSha256: modelOf().profileSha256 };
  const once = advanceCursor(cursor, measured(1, { windows: [windowOf(0), windowOf(1)] }));
  expect(once.judgedUntil).toBe(dayAt(2));
  expect(advanceCursor(once, measured(1)).judgedUntil).toBe(dayAt(2));
  expect(advanceCursor(once, measured(2, { model: modelOf(2) })).judgedUntil).toBeNull();
  const run = (endedAt: string, runKey: string) => ({
    runKey: runKey as never,
    outcome: 'promoted' as const,
    reason: '',
    endedAt: endedAt as never,
  });
  const heard = advanceCursor(once, measured(1, { ended: [run(dayAt(1), 'b'), run(dayAt(1), 'a')] }));
  expect(heard.runsAfter).toEqual({ endedAt: dayAt(1), runKey: 'b' });
});

test('advanceCursor() knows a champion that comes back: its windows are not judged again', () => {
  const cursor = { ...newCursor(), profileSha256: modelOf().profileSha256 };
  const first = advanceCursor(cursor, measured(1, { windows: [windowOf(0), windowOf(1)] }));
  const second = advanceCursor(first, measured(2, { model: modelOf(2), windows: [windowOf(2, 0, {}, 2)] }));
  expect(second).toMatchObject({ profileSha256: modelOf(2).profileSha256, judgedUntil: dayAt(3) });
  const back = advanceCursor(second, measured(3));
  expect(back).toMatchObject({ profileSha256: modelOf().profileSha256, judgedUntil: dayAt(2) });
  expect(judgedOf(back, modelOf(2).profileSha256).judgedUntil).toBe(dayAt(3));
  const many = [3, 4, 5, 6, 7].reduce((last, version) => advanceCursor(last, measured(4, { model: modelOf(version) })), back);
  expect(many.past).toHaveLength(4);
});

test('hearAlert() does not throw for what is no text', () => {
  const odd = { id: { toString: 1 }, source: Symbol('s'), text: [], asksForRetrain: true } as never;
  expect(hearAlert(beginStory(), odd).alerts).toEqual([{ source: '', text: '', count: 1 }]);
});

test('occasionsOf() puts ends of runs first, windows by their end, and tells an estimate once', () => {
  const estimate = {
    from: dayAt(0),
    to: dayAt(1),
    reportSha256: digestOf('9'),
    verdict: { outcome: 'pass' as const, reason: 'well', inequalities: [], evidenceIds: [] },
    calibrationError: 0,
    calibrationLimit: 1,
  };
  const matured = { from: dayAt(0), to: dayAt(1), reportSha256: digestOf('9'), performance: null, calibration: null };
  const ended = [{ runKey: 'a' as never, outcome: 'promoted' as const, reason: '', endedAt: dayAt(1) }];
  const found = measured(2, {
    windows: [windowOf(0), windowOf(1)],
    performance: labels({ windows: [matured], estimate }),
    ended,
  });
  expect(occasionsOf(found, null).map(({ kind }) => kind)).toEqual(['ended', 'window', 'matured', 'estimate', 'window']);
  expect(occasionsOf(found, dayAt(1)).map(({ kind }) => kind)).not.toContain('estimate');
  expect(occasionsOf(measured(2), null)).toEqual([{ kind: 'look' }]);
});

test('pushView() keeps the newest twenty', () => {
  const views = Array.from({ length: 30 }, (_, at) => at).reduce<number[]>((kept, at) => pushView(kept, at), []);
  expect(views).toEqual(Array.from({ length: 20 }, (_, at) => 29 - at));
});

test('followClock() remembers when an instant was first known; followServing() lets the first champion begin', () => {
  const first = followClock(undefined, 5, 100);
  expect(first).toEqual({ ms: 5, wallMs: 100 });
  expect(followClock(first, 5, 200)).toBe(first);
  expect(followClock(first, 6, 200)).toEqual({ ms: 6, wallMs: 200 });
  const lived = live(beginStory(), [[{ kind: 'look' }, { dataTime: dayAt(1) }]]).state;
  const unserved = { ...lived, facts: factsOf({ model: null }) };
  expect(followServing(unserved, null)).toBe(lived.retrain);
  expect(followServing(unserved, modelOf())).toBeNull();
  expect(followServing({ ...lived, facts: factsOf() }, modelOf(2))).toBe(lived.retrain);
});

test('hearFailure() tells at the third failure in a row, or at once where it is final, and only once', () => {
  let failing: WatchState['failing'];
  const told = [false, false, false, true].map((isFinal) => {
    const heard = hearFailure(failing, isFinal);
    failing = heard.failing;
    return heard.tells;
  });
  expect(told).toEqual([false, false, true, false]);
  expect(hearFailure(null, true)).toEqual({ failing: { looks: 1, told: true }, tells: true });
});
