import { describe, expect, test } from 'vitest';
import type { QualityBreach } from '#domain/contracts/drift-report.ts';
import {
  type DriftMemory,
  type DriftObservation,
  type DriftPolicy,
  driftJudgementSchema,
  driftMemorySchema,
  driftPolicySchema,
} from '#domain/contracts/drift-state.ts';
import { nextDriftState } from '#domain/decide/drift/next-drift-state.ts';
import { observeReport } from '#domain/decide/drift/observe-report.ts';
import { defaultDriftPolicy, halfOfColumnsPolicy } from '#domain/decide/drift/policy.ts';
import { measureDrift } from '#domain/stats/drift/measure-drift.ts';
import type { Sha256 } from '#domain/units.ts';
import { counted, freeze, numericFeature, profileOf, profileSha256, windowOf } from '../../stats/drift/worlds.ts';
import { high, low, middle, observation, observed, type Seen, sha256, start } from './drift-worlds.ts';

const breach: QualityBreach = { check: 'missing rate', variable: 'age', statement: 'missing rate 0.4 > 0.02' };

/** Judgements of windows one after another, each made from the memory that the last one left. */
const judge = (memory: DriftMemory, windows: readonly DriftObservation[], policy: DriftPolicy = defaultDriftPolicy) => {
  let before = memory;
  return windows.map((window) => {
    const judgement = nextDriftState(freeze(policy), freeze(before), freeze(window));
    driftJudgementSchema.parse(judgement);
    before = driftMemorySchema.parse(JSON.parse(JSON.stringify(judgement.memory)));
    return judgement;
  });
};

/** Features of which the first `drifted` are high in every window. */
const features = (count: number, drifted: number, parts: object = {}) =>
  Array.from({ length: count }, (_, at) => observed(at < drifted ? high : low, { name: `f${at}`, ...parts }));

describe('the alarm of a dataset', () => {
  const twice = (one: (at: number) => DriftObservation, memory: DriftMemory, policy?: DriftPolicy) =>
    judge(memory, [one(0), one(1)], policy).at(-1);

  test('one critical feature in drift is enough', () => {
    const critical = (at: number) => observation(at, [observed(high, { critical: true }), ...features(99, 0)]);
    const [first, second] = judge(start(100), [critical(0), critical(1)]);
    expect(first).toMatchObject({ verdict: { outcome: 'pass' }, raised: false });
    expect(second).toMatchObject({
      verdict: { outcome: 'fail', reason: 'Drift: critical features in drift (age) 1 > 0' },
      raised: true,
    });
  });

  test('one that is not critical is not', () => {
    const verdict = twice((at) => observation(at, features(100, 1)), start(100))?.verdict;
    expect(verdict?.outcome).toBe('pass');
    expect(verdict?.reason).toContain('share of features in drift (f0) 0.01 >= 0.2 does not hold');
  });

  test('a fifth of the features is, each counting the same where importance is unknown', () => {
    expect(twice((at) => observation(at, features(10, 2)), start(10))?.verdict.outcome).toBe('fail');
    expect(twice((at) => observation(at, features(11, 2)), start(11))?.verdict.outcome).toBe('pass');
    const someKnown = (at: number) => observation(at, [observed(high, { importance: 0.9 }), ...features(9, 0)]);
    expect(twice(someKnown, start(10))?.verdict.outcome).toBe('pass');
  });

  test('by importance where every importance is known', () => {
    const weighed = (importance: number) => (at: number) =>
      observation(at, [observed(high, { importance }), observed(low, { name: 'rest', importance: 1 - importance })]);
    expect(twice(weighed(0.2), start(2))?.verdict.outcome).toBe('fail');
    expect(twice(weighed(0.19), start(2))?.verdict.outcome).toBe('pass');
    expect(twice(weighed(0.19), start(2), { ...defaultDriftPolicy, weights: 'equal' })?.verdict.outcome).toBe('fail');
    expect(twice((at) => observation(at, features(3, 3, { importance: 0 })), start(3))?.verdict.outcome).toBe('fail');
  });

  test('predictions in drift are enough, and one feature with rows is not all of them', () => {
    const predicted = (at: number) => observation(at, features(5, 0), { predictions: [observed(high, { name: 'score' })] });
    expect(twice(predicted, start(5, 1))?.verdict.reason).toContain('scores or predicted classes in drift (score) 1 > 0');
    const alone = (at: number) => observation(at, [observed(high), ...Array.from({ length: 9 }, () => observed(null))]);
    expect(twice(alone, start(10))?.verdict.outcome).toBe('inconclusive');
  });

  test('half of the columns is another rule: three of twenty may be destroyed without it', () => {
    const destroyed = (at: number) => observation(at, features(20, 3, { critical: true }));
    expect(judge(start(20), [destroyed(0)], halfOfColumnsPolicy)[0]?.verdict.outcome).toBe('pass');
    expect(judge(start(20), [observation(0, features(20, 10))], halfOfColumnsPolicy)[0]?.verdict.outcome).toBe('fail');
    expect(driftPolicySchema.parse(halfOfColumnsPolicy)).toEqual(halfOfColumnsPolicy);
    expect(driftPolicySchema.parse(defaultDriftPolicy)).toEqual(defaultDriftPolicy);
  });

  test('is raised once, holds while drift lasts, and can be raised again', () => {
    const windows = 'HHHMLLLLHH'
      .split('')
      .map((letter, at) => observation(at, [observed({ H: high, M: middle, L: low }[letter] as Seen, { critical: true })]));
    const judged = judge(start(1), windows);
    expect(judged.map(({ raised }, at) => (raised ? at : -1)).filter((at) => at >= 0)).toEqual([1, 9]);
    expect(judged.map(({ verdict }) => verdict.outcome)).toEqual([
      'pass',
      'fail',
      'fail',
      'fail',
      'fail',
      'pass',
      'pass',
      'pass',
      'pass',
      'fail',
    ]);
  });
});

describe('a window that proves nothing', () => {
  const drifted = (at: number, parts: Partial<DriftObservation> = {}) =>
    observation(at, [observed(high, { critical: true })], parts);

  test('broken data are no drift: the trigger is held back, and the window counts for nothing', () => {
    const broken = [0, 1, 2].map((at) => drifted(at, { breaches: [breach] }));
    const repaired = observation(3, [observed(low, { critical: true })]);
    const judged = judge(start(1), [...broken, repaired]);
    expect(judged[2]).toMatchObject({
      verdict: { outcome: 'inconclusive' },
      raised: false,
      features: [{ state: 'insufficient' }],
    });
    expect(judged[2]?.verdict.reason).toBe('Data, not drift: age: missing rate 0.4 > 0.02');
    expect(judged[3]).toMatchObject({ verdict: { outcome: 'pass' }, features: [{ state: 'ok' }] });
  });

  test('too few rows in so many variables that the others could not alarm is no "no drift"', () => {
    const dark = (count: number) => Array.from({ length: count }, (_, at) => observed(null, { name: `dark${at}` }));
    const few = (parts: Partial<DriftObservation>) => judge(start(9, 1), [observation(0, [observed(low), ...dark(8)], parts)])[0];
    const blind = few({ predictions: [observed(null, { name: 'score' })] });
    expect(blind).toMatchObject({ verdict: { outcome: 'inconclusive' }, raised: false });
    expect(blind?.verdict.reason).toBe('Too few rows: drift in the 1 of 10 variables with rows enough could raise no alarm');
    const answers = few({ predictions: [observed(low, { name: 'score' })] });
    expect(answers?.verdict.outcome).toBe('pass');
    expect(answers?.verdict.reason).toMatch(/^No drift in the 2 of 10 variables with rows enough: critical/);
    const all = judge(start(1), [observation(0, [observed(low)])])[0]?.verdict.reason;
    expect(all).toMatch(/^No drift: critical/);
  });

  test('too few rows in all variables is inconclusive, and an alarm that holds goes on holding', () => {
    const judged = judge(start(1), [drifted(0), drifted(1), observation(2, [observed(null, { critical: true })]), drifted(3)]);
    expect(judged[2]).toMatchObject({ verdict: { outcome: 'inconclusive' }, raised: false, memory: { alarm: true } });
    expect(judged[3]).toMatchObject({ verdict: { outcome: 'fail' }, raised: false });
  });

  test('a window of another profile, or with other variables, is an error and leaves the memory as it was', () => {
    const memory = start(1);
    const other = nextDriftState(defaultDriftPolicy, memory, drifted(0, { profileSha256: 'e'.repeat(64) as Sha256 }));
    expect(other.verdict).toMatchObject({ outcome: 'error', reason: expect.stringContaining(`against profile ${sha256}`) });
    expect(other.memory).toEqual(memory);
    expect(nextDriftState(defaultDriftPolicy, start(2), drifted(0)).verdict.outcome).toBe('error');
  });

  test('a window that was judged before, or comes late, counts once', () => {
    const [first, again] = judge(start(1), [drifted(5), drifted(5)]);
    expect(again).toMatchObject({ verdict: { outcome: 'error', reason: expect.stringContaining('or later') }, raised: false });
    expect(again?.memory).toEqual(first?.memory);
    expect(judge(start(1), [drifted(5), drifted(2)])[1]?.verdict.outcome).toBe('error');
  });

  test('no variables at all prove nothing', () => {
    expect(judge(start(0), [observation(0, [])])[0]?.verdict.outcome).toBe('inconclusive');
  });
});

describe('memory', () => {
  test('of 100 features is a few numbers', () => {
    const judged = judge(
      start(100, 2),
      [0, 1, 2].map((at) => observation(at, features(100, 50), { predictions: [observed(low), observed(high)] })),
    );
    expect(JSON.stringify(judged.at(-1)?.memory).length).toBeLessThan(8000);
  });

  test('an observation is what of a report decides', () => {
    const profile = profileOf([numericFeature('age', [1000, 1000]), numericFeature('few', [1000, 1000])]);
    const window = windowOf([counted([900, 100]), counted([1, 1])]);
    const found = observeReport(measureDrift(profile, window, { profileSha256 }));
    expect(found.features[0]?.measured?.debiasedPsi).toBeGreaterThan(0.5);
    expect(found.features[1]?.measured).toBeNull();
    const judged = judge(start(2), [found, { ...found, from: found.to, to: '2001-01-01T02:00:00.000Z' as never }]);
    expect(judged[1]?.features.map(({ state }) => state)).toEqual(['drift', 'insufficient']);
    expect(judged[1]?.verdict.evidenceIds).toEqual(['feature/age/psi']);
    expect(judged[0]?.verdict.evidenceIds).toEqual([]);
  });
});
