/** What holds of every rollout, however the counters run: true ones, missing ones, stale ones. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ArmCounts, CanaryDecision, CanaryObservation, CanaryState } from '#domain/contracts/canary.ts';
import { canaryStateSchema } from '#domain/contracts/canary.ts';
import { judgeCanary, startCanary } from '#domain/decide/canary/judge-canary.ts';
import { assessCanary } from '#domain/stats/sequential/assess-canary.ts';
import { minute, policy } from './world.ts';

/** What happens between two looks. */
type Turn = {
  readonly minutes: number;
  /** Of both arms together; they split as is set. */
  readonly requests: number;
  readonly silent: 'nobody' | 'candidate' | 'champion';
  readonly candidateErrors: number;
  readonly championErrors: number;
  /** How the counters come: as they are, not at all, those of the look before, or without a count of errors. */
  readonly heard: 'all' | 'nothing' | 'stale' | 'no errors counted';
};

const turn: fc.Arbitrary<Turn> = fc.record({
  minutes: fc.integer({ min: 0, max: 12 }),
  requests: fc.constantFrom(0, 10, 300, 1500, 3000),
  silent: fc.constantFrom('nobody', 'nobody', 'nobody', 'nobody', 'nobody', 'nobody', 'candidate', 'champion'),
  candidateErrors: fc.constantFrom(0, 0, 0, 0, 0, 1, 25),
  championErrors: fc.constantFrom(0, 0, 1, 10),
  heard: fc.constantFrom('all', 'all', 'all', 'all', 'all', 'all', 'nothing', 'stale', 'no errors counted'),
});

const add = (arm: ArmCounts, requests: number, errors: number, isCounted: boolean): ArmCounts => {
  const known = arm.events.errors ?? 0;
  const events = isCounted ? { errors: Math.min(arm.requests + requests, known + Math.min(errors, requests)) } : {};
  return { requests: arm.requests + requests, units: arm.units + requests, events };
};

type Seen = { before: CanaryState; observation: CanaryObservation; after: CanaryState; decision: CanaryDecision };

const run = (turns: readonly Turn[], rules = policy): Seen[] => {
  let state = startCanary(rules);
  let segment = state.current;
  let earlier = state.current;
  let elapsedMs = 0;
  return turns.map((one) => {
    elapsedMs += one.minutes * minute;
    const isCounted = one.heard !== 'no errors counted';
    const toCandidate = Math.round(one.requests * state.share);
    const asked = {
      candidate: one.silent === 'candidate' ? 0 : toCandidate,
      champion: one.silent === 'champion' ? 0 : one.requests - toCandidate,
    };
    const candidate = add(segment.candidate, asked.candidate, one.candidateErrors, isCounted);
    const champion = add(segment.champion, asked.champion, one.championErrors, isCounted);
    segment = { ...segment, candidate, champion };
    const told = one.heard === 'stale' ? earlier : segment;
    const observation: CanaryObservation =
      one.heard === 'nothing'
        ? { kind: 'nothing', elapsedMs, reason: 'no server answered' }
        : { kind: 'counted', elapsedMs, segment: told, assessment: assessCanary([...state.closed, told], rules) };
    const before = state;
    const { state: after, decision } = judgeCanary(rules, before, observation);
    earlier = told;
    state = after;
    if (after.step !== before.step) segment = after.current;
    return { before, observation, after, decision };
  });
};

const eValues = (observation: CanaryObservation): number[] =>
  observation.kind === 'nothing'
    ? []
    : observation.assessment.guardrails.flatMap(({ harm }) => (harm.kind === 'e-value' ? [harm.eValue] : []));

const turns = fc.array(turn, { minLength: 1, maxLength: 40 });

describe('every rollout', () => {
  test('never goes on past crossed evidence: it is rolled back at that look', () => {
    let crossed = 0;
    fc.assert(
      fc.property(turns, (path) => {
        for (const { before, observation, after, decision } of run(path)) {
          if (before.phase !== 'running' || observation.kind === 'nothing' || after.current !== observation.segment) continue;
          if (!eValues(observation).some((eValue) => eValue >= 100)) continue;
          crossed += 1;
          expect(decision).toMatchObject({ action: 'roll back', share: 0 });
        }
      }),
      { numRuns: 500, seed: 1 },
    );
    expect(crossed).toBeGreaterThan(50);
  });

  test('never advances or promotes blind: not without counters, not with one arm silent, not without a count of errors', () => {
    let moved = 0;
    fc.assert(
      fc.property(turns, (path) => {
        for (const { observation, before, decision } of run(path)) {
          if (decision.action !== 'advance' && decision.action !== 'promote') continue;
          moved += 1;
          if (observation.kind === 'nothing') throw new Error('moved on without counters');
          expect(observation.segment.candidate.requests).toBeGreaterThanOrEqual(policy.requests);
          if (before.share < 1) expect(observation.segment.champion.requests).toBeGreaterThan(0);
          expect(observation.segment.candidate.events.errors).toBeDefined();
          expect(observation.segment.share).toBe(before.share);
        }
      }),
      { numRuns: 500, seed: 2 },
    );
    expect(moved).toBeGreaterThan(50);
  });

  test('moves nobody back but by a roll back, and ends once', () => {
    fc.assert(
      fc.property(turns, (path) => {
        for (const { before, after, decision } of run(path)) {
          if (decision.action === 'roll back') expect(after).toMatchObject({ phase: 'rolled back', share: 0 });
          else expect(after.share).toBeGreaterThanOrEqual(before.share);
          expect(decision.share).toBe(after.share);
          if (before.phase !== 'running') expect(after).toEqual(before);
          expect(after.elapsedMs).toBeGreaterThanOrEqual(before.elapsedMs);
        }
      }),
      { numRuns: 500, seed: 3 },
    );
  });

  test('is decided again by the same observations, from states that went through JSON', () => {
    fc.assert(
      fc.property(turns, (path) => {
        const first = run(path);
        expect(run(path)).toEqual(first);
        for (const { before, observation, after, decision } of first) {
          const stored = canaryStateSchema.parse(JSON.parse(JSON.stringify(before)));
          expect(judgeCanary(policy, stored, observation)).toEqual({ state: after, decision });
        }
      }),
      { numRuns: 200, seed: 4 },
    );
  });

  test('without a single request ends in a roll back', () => {
    const silent: Turn = { minutes: 1, requests: 0, silent: 'nobody', candidateErrors: 0, championErrors: 0, heard: 'all' };
    for (const heard of ['all', 'nothing', 'stale'] as const) {
      const decisions = run(Array.from({ length: 60 }, () => ({ ...silent, heard }))).map(({ decision }) => decision.action);
      expect(decisions.indexOf('hold')).toBe(4);
      expect(decisions.indexOf('roll back')).toBe(34);
      expect(decisions).not.toContain('advance');
    }
  });

  test('is over at the deadline, unless a person is asked to decide', () => {
    const waiting: Turn = { minutes: 4, requests: 10, silent: 'nobody', candidateErrors: 0, championErrors: 0, heard: 'all' };
    const path = Array.from({ length: 120 }, () => waiting);
    const rules = { ...policy, requests: 1000 };
    expect(run(path, rules).at(-1)?.after.phase).toBe('rolled back');
    const held = run(path, { ...rules, atDeadline: 'hold' }).at(-1);
    expect(held?.after).toMatchObject({ phase: 'running', hold: { by: 'deadline' }, share: 0.1 });
  });
});
