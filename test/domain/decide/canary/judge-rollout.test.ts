import { describe, expect, it } from 'vitest';
import type { RolloutObservation, StrategyRules } from '#domain/contracts/rollout.ts';
import { startCanary } from '#domain/decide/canary/judge-canary.ts';
import { judgeRollout } from '#domain/decide/canary/judge-rollout.ts';
import { holdForWord, promoteForWord, resumeForWord, rollBackForWord } from '#domain/decide/canary/obey-person.ts';
import { gain } from '../gain.ts';
import { assessment, minute, policy } from './world.ts';

const counts = (requests: number) => ({ requests, units: requests, events: { errors: 0 } });
const observed = (over: Partial<RolloutObservation> = {}, found = {}): RolloutObservation => ({
  canary: {
    kind: 'counted',
    elapsedMs: 11 * minute,
    segment: { share: 0.1, candidate: counts(300), champion: counts(2_700) },
    assessment: assessment(found),
  },
  servers: { refused: null, behind: null },
  agreement: null,
  labels: null,
  ended: null,
  ...over,
});
const canary: StrategyRules = { kind: 'canary' };
const start = startCanary(policy);

describe('judgeRollout()', () => {
  it('is the canary where nothing stands beside its counters', () => {
    expect(judgeRollout({ policy, rules: canary }, start, observed()).decision).toMatchObject({ action: 'advance', share: 0.5 });
  });

  it('takes no step while a server applies something else, and names it', () => {
    const behind = 'Server "a" reports share 0.5; share 0.1 is set';
    const { decision, state } = judgeRollout({ policy, rules: canary }, start, observed({ servers: { refused: null, behind } }));
    expect(decision).toMatchObject({ action: 'wait', share: 0.1, reason: `Waiting: ${behind}` });
    expect(state.step).toBe(0);
  });

  it('still finds harm while a server lags', () => {
    const lagging = observed({ servers: { refused: null, behind: 'Server "a" lags' } }, { harm: 1e6 });
    expect(judgeRollout({ policy, rules: canary }, start, lagging).decision.action).toBe('roll back');
  });

  it('rolls back where a server refuses, whoever holds', () => {
    const held = holdForWord(start, { by: 'grace', reason: 'wait' });
    const refused = observed({ servers: { refused: 'Server "a" refused', behind: null } });
    expect(judgeRollout({ policy, rules: canary }, held, refused).decision).toMatchObject({ action: 'roll back', alert: true });
  });

  it('ends an A/B test by labels only', () => {
    const rules: StrategyRules = { kind: 'a/b', alpha: 0.05 };
    const one = { policy: { ...policy, steps: [0.1] }, rules };
    const decide = (labels: RolloutObservation['labels']) =>
      judgeRollout(one, startCanary(one.policy), observed({ labels })).decision;
    expect(decide(null).action).toBe('wait');
    expect(decide(gain(-0.01, 0.02)).action).toBe('wait');
    expect(decide(gain(0.01, 0.02))).toMatchObject({ action: 'promote', reason: expect.stringContaining('0.01 > 0') });
    expect(decide(gain(-0.02, -0.01))).toMatchObject({ action: 'roll back', reason: expect.stringContaining('-0.01 < 0') });
  });

  it('tests no split in a shadow: it draws nobody away', () => {
    const rules: StrategyRules = { kind: 'shadow', mirrored: 0.2, disagreement: null, alpha: 0.05 };
    const agreement = { compared: 300, disagreed: 1, evidence: gain(0.01, 0.04) };
    const skewed = observed({ agreement }, { split: 1e9, splitOnce: 1e-9 });
    const decide = (splitAlpha: number | null) =>
      judgeRollout({ policy: { ...policy, steps: [0.1], splitAlpha }, rules }, start, skewed).decision.action;
    expect([decide(0.001), decide(null)]).toEqual(['hold', 'promote']);
  });

  it('ends a shadow by agreement, and by the rows that were compared', () => {
    const rules: StrategyRules = { kind: 'shadow', mirrored: 0.2, disagreement: 0.05, alpha: 0.05 };
    const one = { policy: { ...policy, steps: [0.1] }, rules };
    const decide = (compared: number, lower: number, upper: number) =>
      judgeRollout(
        one,
        startCanary(one.policy),
        observed({ agreement: { compared, disagreed: 1, evidence: gain(lower, upper) } }),
      ).decision;
    expect(decide(300, 0.01, 0.04).action).toBe('promote');
    expect(decide(99, 0.01, 0.04)).toMatchObject({ action: 'wait', reason: expect.stringContaining('99 >= 100 does not hold') });
    expect(decide(300, 0.01, 0.06).action).toBe('wait');
    expect(decide(300, 0.06, 0.09)).toMatchObject({ action: 'roll back', reason: expect.stringContaining('0.06 > 0.05') });
  });
});

describe('a person', () => {
  const word = { by: 'grace', reason: 'I looked' };

  it('holds, and the first who did is named', () => {
    const held = holdForWord(start, word);
    expect(holdForWord(held, { by: 'edsger', reason: 'me too' })).toEqual(held);
    const { decision } = judgeRollout({ policy, rules: canary }, held, observed());
    expect(decision).toMatchObject({ action: 'hold', reason: 'Held by grace: I looked' });
  });

  it('lets go, and silence counts from then on', () => {
    const before = { ...holdForWord(start, word), elapsedMs: 50 * minute };
    expect(resumeForWord(before)).toMatchObject({ hold: null, heardMs: { candidate: 50 * minute, champion: 50 * minute } });
  });

  it('promotes whatever is missing, but not harm', () => {
    const plan = { policy, rules: canary };
    expect(promoteForWord(plan, start, observed(), word)).toMatchObject({
      state: { phase: 'promoted', share: 1 },
      decision: { action: 'promote', reason: 'Promoted: by grace: I looked' },
    });
    expect(promoteForWord(plan, start, observed({}, { harm: 1e6 }), word).decision).toMatchObject({
      action: 'roll back',
      reason: expect.stringContaining('although grace promoted'),
    });
  });

  it('promotes none that labels or answers show to be worse', () => {
    const ab: StrategyRules = { kind: 'a/b', alpha: 0.05 };
    const shadow: StrategyRules = { kind: 'shadow', mirrored: 0.2, disagreement: 0.05, alpha: 0.05 };
    const promote = (rules: StrategyRules, seen: RolloutObservation) =>
      promoteForWord({ policy, rules }, start, seen, word).decision;
    expect(promote(ab, observed({ labels: gain(-0.02, -0.01) }))).toMatchObject({
      action: 'roll back',
      reason: expect.stringMatching(/although grace promoted: .*-0.01 < 0/),
    });
    expect(promote(ab, observed({ labels: gain(-0.02, 0.01) })).action).toBe('promote');
    const differing = observed({ agreement: { compared: 300, disagreed: 30, evidence: gain(0.06, 0.09) } });
    expect(promote(shadow, differing).action).toBe('roll back');
    expect(promote(shadow, observed()).action).toBe('promote');
  });

  it('promotes although nothing was heard at all', () => {
    const nothing = observed({ canary: { kind: 'nothing', elapsedMs: minute, reason: 'no server is alive' } });
    expect(promoteForWord({ policy, rules: canary }, start, nothing, word).decision.action).toBe('promote');
  });

  it('takes back at once; what has ended stays ended', () => {
    const judged = rollBackForWord(start, word);
    expect(judged).toMatchObject({
      state: { phase: 'rolled back', share: 0 },
      decision: { action: 'roll back', reason: 'Rolled back by grace: I looked' },
    });
    expect(rollBackForWord(judged.state, word).decision.action).toBe('wait');
    expect(promoteForWord({ policy, rules: canary }, judged.state, observed(), word).state.phase).toBe('rolled back');
  });
});
