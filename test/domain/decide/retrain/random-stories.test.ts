import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type RetrainObservation,
  retrainDecisionSchema,
  retrainPolicySchema,
  retrainStateSchema,
} from '#domain/contracts/retrain-policy.ts';
import { runOutcomes } from '#domain/contracts/verdict.ts';
import { beginRetrainState, decideRetrain, type RetrainStep } from '#domain/decide/retrain/decide-retrain.ts';
import { hourMs } from '#domain/units.ts';
import { beginMs, frozen, observation, policyOf } from './observed.ts';

const stories = 3000;

const trigger = fc
  .tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.double({ min: 0, max: 1, noNaN: true }), fc.integer({ min: 1, max: 3 }))
  .map(([one, other, consecutive]) => ({ high: Math.max(one, other), low: Math.min(one, other), consecutive }));

const policies = fc
  .record({
    on: fc.subarray(['performance', 'estimate', 'drift', 'age', 'new labels'] as const),
    triggers: fc.record({ performance: trigger, estimate: trigger, drift: trigger, calibration: trigger }),
    weighsGain: fc.boolean(),
    maxAgeMs: fc.integer({ min: 1, max: 60 }).map((hours) => hours * hourMs),
    cooldownMs: fc.integer({ min: 0, max: 12 }).map((hours) => hours * hourMs),
    budget: fc.record({
      runs: fc.integer({ min: 1, max: 4 }),
      perMs: fc.integer({ min: 1, max: 40 }).map((hours) => hours * hourMs),
    }),
    backOff: fc.record({
      after: fc.integer({ min: 1, max: 3 }),
      firstMs: fc.constant(hourMs),
      longestMs: fc.constant(30 * hourMs),
    }),
    scheduleMs: fc.integer({ min: 1, max: 20 }).map((hours) => hours * hourMs),
  })
  .map((parts) => policyOf({}, parts));

const signal = fc.option(
  fc.record({
    score: fc.double({ min: 0, max: 1, noNaN: true }),
    what: fc.constant('score'),
    evidenceIds: fc.constant<string[]>([]),
  }),
);
const rarely = <Value>(value: fc.Arbitrary<Value>) => fc.option(value, { freq: 4 });

const heard: fc.Arbitrary<RetrainObservation> = fc.record({
  signals: fc.record({
    performance: signal,
    estimate: signal.map((one) => one && { ...one, calibrationError: one.score / 2, calibrationLimit: 0.3 }),
    drift: signal,
    calibration: signal,
  }),
  gain: fc.option(
    fc.record({ lower: fc.integer({ min: -5, max: 5 }), cost: fc.constant(1), evidenceIds: fc.constant<string[]>([]) }),
  ),
  trainedAtMs: fc.integer({ min: 0, max: 80 }).map((hours) => beginMs - hours * hourMs),
  labels: fc.record({ newRows: fc.nat(50), newRareRows: fc.nat(1200), lastTrainingRows: fc.nat(300) }),
  openBreaches: fc.oneof({ weight: 5, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.constant(2) }),
  otherRuns: fc.oneof({ weight: 5, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.constant(1) }),
  asked: rarely(
    fc
      .record({
        by: fc.constant('x'),
        kind: fc.constantFrom('person' as const, 'webhook' as const),
        despite: fc.subarray(['data quality', 'budget'] as const),
      })
      .map((asked) => ({ ...asked, despite: [...asked.despite] })),
  ),
  ended: rarely(fc.constantFrom(...runOutcomes)),
});

type Event = { afterHours: number; parts: RetrainObservation };
const story: fc.Arbitrary<Event[]> = fc.array(fc.record({ afterHours: fc.integer({ min: 0, max: 6 }), parts: heard }), {
  minLength: 1,
  maxLength: 60,
});

type Told = RetrainStep & { nowMs: number; observation: RetrainObservation; wasRunning: boolean };

const tell = (policy: ReturnType<typeof policyOf>, events: readonly Event[]): Told[] => {
  let [state, nowMs] = [beginRetrainState(policy, beginMs), beginMs];
  return events.map(({ afterHours, parts }) => {
    nowMs += afterHours * hourMs;
    const seen = observation(parts);
    const wasRunning = state.running !== null && seen.ended === null;
    const step = decideRetrain(policy, frozen(state), seen, nowMs);
    state = step.state;
    return { ...step, nowMs, observation: seen, wasRunning };
  });
};

/** Starts of runs of that kind, without those for which a person set the veto aside. */
const startsOf = (told: readonly Told[], decisions: readonly string[], veto: string): number[] =>
  told
    .filter(({ decision }) => decisions.includes(decision.decision) && !decision.vetoes.some((one) => one.veto === veto))
    .map(({ nowMs }) => nowMs);

describe('any story', () => {
  test('keeps budget, cooldown and the run in progress', () => {
    let runs = 0;
    fc.assert(
      fc.property(policies, story, (policy, events) => {
        const told = tell(policy, events);
        const all = told.filter(({ decision }) => decision.decision === 'retrain').map(({ nowMs }) => nowMs);
        runs += all.length;
        for (const startMs of startsOf(told, ['retrain'], 'budget')) {
          const within = all.filter((other) => other <= startMs && startMs - other < policy.budget.perMs);
          // Equal instants: those told later are not before this one.
          expect(within.filter((other) => other < startMs).length).toBeLessThan(policy.budget.runs);
        }
        const begun = told.filter(({ decision }) => ['retrain', 'recalibrate'].includes(decision.decision));
        for (const [index, { nowMs, decision, wasRunning, observation: seen }] of begun.entries()) {
          expect(wasRunning || seen.otherRuns > 0).toBe(false);
          const before = begun[index - 1];
          if (before === undefined || decision.vetoes.some(({ veto }) => veto === 'cooldown')) continue;
          expect(nowMs - before.nowMs).toBeGreaterThan(policy.cooldownMs);
        }
      }),
      { numRuns: stories, seed: 4 },
    );
    // The stories would prove nothing if nothing ever ran.
    expect(runs).toBeGreaterThan(stories);
  });

  test('never runs on broken data unless a person said so by name', () => {
    fc.assert(
      fc.property(policies, story, (policy, events) => {
        for (const { decision, observation: seen } of tell(policy, events)) {
          if (seen.openBreaches === 0 || !['retrain', 'recalibrate'].includes(decision.decision)) continue;
          expect(decision.reason).toBe('asked');
          expect(seen.asked?.kind).toBe('person');
          expect(seen.asked?.despite).toContain('data quality');
          expect(decision.vetoes).toContainEqual({ veto: 'data quality', overridden: true });
        }
      }),
      { numRuns: stories, seed: 5 },
    );
  });

  test('decides the same twice, by one reason with numbers, in states of the contract under 4 KB', () => {
    fc.assert(
      fc.property(policies, story, (policy, events) => {
        retrainPolicySchema.parse(policy);
        const told = tell(policy, events);
        expect(JSON.stringify(tell(policy, events))).toBe(JSON.stringify(told));
        for (const { state, decision } of told) {
          expect(JSON.stringify(state).length).toBeLessThan(4096);
          expect(decision.sentence).toMatch(/\d/);
          for (const { left, right } of decision.inequalities) expect(Number.isFinite(left) && Number.isFinite(right)).toBe(true);
          const isVetoed = decision.vetoes.some(({ overridden }) => !overridden);
          expect(isVetoed).toBe(decision.decision === 'suppressed');
        }
        const last = told.at(-1) as Told;
        expect(retrainStateSchema.parse(last.state)).toEqual(last.state);
        expect(retrainDecisionSchema.parse(last.decision)).toEqual(last.decision);
      }),
      { numRuns: stories, seed: 6 },
    );
  });

  test('goes on from a state that was written and read', () => {
    fc.assert(
      fc.property(policies, story, (policy, events) => {
        let [state, written, nowMs] = [beginRetrainState(policy, beginMs), beginRetrainState(policy, beginMs), beginMs];
        for (const { afterHours, parts } of events) {
          nowMs += afterHours * hourMs;
          state = decideRetrain(policy, state, observation(parts), nowMs).state;
          written = JSON.parse(JSON.stringify(decideRetrain(policy, written, observation(parts), nowMs).state)) as typeof state;
        }
        expect(written).toEqual(state);
      }),
      { numRuns: 500, seed: 7 },
    );
  });

  test('the largest budget still fits into the state', () => {
    const policy = policyOf({ budget: { runs: 200, per: '3650d' }, cooldown: '0s' });
    let state = beginRetrainState(policy, beginMs);
    for (let day = 0; day < 500; day += 1) {
      const asked = { by: 'x', kind: 'person', despite: ['budget'] } as const;
      const ended = day === 0 ? null : ('promoted' as const);
      state = decideRetrain(
        policy,
        state,
        observation({ asked: { ...asked, despite: ['budget'] }, ended }),
        beginMs + day * 24 * hourMs,
      ).state;
    }
    expect(state.runs).toBe(500);
    expect(state.startsMs).toHaveLength(200);
    expect(JSON.stringify(state).length).toBeLessThan(4096);
  });
});
