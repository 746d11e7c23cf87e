import { describe, expect, test } from 'vitest';
import { type CanaryState, canaryDecisionSchema, canaryStateSchema } from '#domain/contracts/canary.ts';
import { startCanary } from '#domain/decide/canary/judge-canary.ts';
import { counted, follow, minute, nothing, policy } from './world.ts';

const start = startCanary(policy);
const actions = (...args: Parameters<typeof follow>): string[] => follow(...args).decisions.map(({ action }) => action);
const last = <Item>(items: readonly Item[]): Item => items.at(-1) as Item;

describe('a rollout without trouble', () => {
  test('goes through its steps and promotes after the last', () => {
    const { state, decisions } = follow(
      policy,
      start,
      counted({ at: 5, candidate: 500, champion: 4500 }),
      counted({ at: 11 }),
      counted({ at: 16, share: 0.5, candidate: 400, champion: 400 }),
      counted({ at: 22, share: 0.5, candidate: 900, champion: 900 }),
      counted({ at: 30, share: 1, candidate: 500, champion: 0 }),
      counted({ at: 33, share: 1, candidate: 900, champion: 0 }),
    );
    expect(decisions.map(({ action, share }) => [action, share])).toEqual([
      ['wait', 0.1],
      ['advance', 0.5],
      ['wait', 0.5],
      ['advance', 1],
      ['wait', 1],
      ['promote', 1],
    ]);
    expect(state).toMatchObject({ phase: 'promoted', share: 1, hold: null });
    expect(state.closed.map(({ share, candidate }) => [share, candidate.requests])).toEqual([
      [0.1, 1000],
      [0.5, 900],
    ]);
    expect(decisions.some(({ alert }) => alert)).toBe(false);
  });

  test('writes states and decisions that its contract knows', () => {
    const { state, decisions } = follow(
      policy,
      start,
      counted({ at: 3 }),
      nothing(20),
      counted({ at: 21, found: { harm: 1e9 } }),
    );
    expect(canaryStateSchema.parse(JSON.parse(JSON.stringify(state)))).toEqual(state);
    for (const decision of decisions) expect(canaryDecisionSchema.parse(decision)).toEqual(decision);
  });

  test('has each inequality, and the evidence that it rests on, in its decision', () => {
    const { decisions } = follow(policy, start, counted({ at: 11 }));
    expect(decisions[0]?.reason).toContain('From 0.1 to 0.5 of the traffic: milliseconds in this step 660000 >= 600000');
    expect(decisions[0]?.inequalities.every(({ holds }) => holds)).toBe(true);
    expect(decisions[0]?.evidenceIds).toEqual(['split/at-once', 'errors/above-budget']);
  });

  test('a last step below all traffic is a promotion too', () => {
    const rules = { ...policy, steps: [0.1] };
    expect(follow(rules, startCanary(rules), counted({ at: 11 })).state).toMatchObject({ phase: 'promoted', share: 1 });
  });

  test('an end is an end', () => {
    const ended: CanaryState = { ...start, phase: 'rolled back', share: 0 };
    const { state, decisions } = follow(policy, ended, counted({ at: 11, found: { harm: 1e9 } }));
    expect(state).toEqual(ended);
    expect(decisions).toMatchObject([{ action: 'wait', share: 0, reason: 'The rollout has ended: rolled back' }]);
  });
});

describe('a step is not left', () => {
  test.each([
    ['too early', { at: 9.99 }, 'milliseconds in this step 599400 >= 600000 does not hold'],
    ['with too few requests', { at: 50, candidate: 99 }, "candidate's requests in this step 99 >= 100 does not hold"],
    [
      'with too little exposure and no proof',
      { at: 50, candidate: 199 },
      "errors, candidate's requests 199 >= 200 does not hold",
    ],
    ['with events above budget', { at: 50, found: { aboveBudget: 0.1 } }, 'errors, events above budget 0.1 <= 0 does not hold'],
    ['with a split that looks wrong', { at: 50, found: { splitOnce: 0.0009 } }, 'split of the requests, p-value 0.0009 >= 0.001'],
    ['without a test of the split', { at: 50, found: { splitOnce: null } }, 'the split was not tested: was not counted'],
    ['without a count of errors', { at: 50, found: { harm: null } }, 'errors was not compared: was not counted'],
    ['without a budget', { at: 50, found: { aboveBudget: null } }, 'errors has no budget to compare with: was not counted'],
  ])('%s', (_, seen, reason) => {
    const { state, decisions } = follow(policy, start, counted(seen));
    expect(decisions[0]).toMatchObject({ action: 'wait', share: 0.1, alert: false });
    expect(decisions[0]?.reason).toContain(reason);
    expect(state).toMatchObject({ step: 0, share: 0.1 });
  });

  test('where a guardrail was not assessed at all', () => {
    const rules = { ...policy, guardrails: [...policy.guardrails, { ...policy.guardrails[0], name: 'timeouts' as const }] };
    const { decisions } = follow(rules as typeof policy, start, counted({ at: 50 }));
    expect(decisions[0]?.reason).toContain('timeouts was not compared: it was not assessed');
  });

  test('at all traffic without a look at the floor', () => {
    const bake = { ...start, step: 2, share: 1, current: { ...start.current, share: 1 } };
    const seen = { at: 50, share: 1, champion: 0 };
    const { decisions } = follow(policy, bake, counted({ ...seen, found: { floor: null } }));
    expect(decisions[0]).toMatchObject({
      action: 'wait',
      reason: 'Waiting: errors was not held against its floor: was not counted',
    });
    expect(actions(policy, bake, counted(seen))).toEqual(['promote']);
  });
});

describe('a proof that the rate is within the margin', () => {
  test.each([
    [1.25, 'advance'],
    [1.2501, 'wait'],
  ])('upper bound %s: %s, with few requests and events above budget', (upper, action) => {
    const seen = counted({ at: 11, candidate: 150, found: { upper, aboveBudget: 7 } });
    expect(actions(policy, start, seen)).toEqual([action]);
  });
});

describe('harm', () => {
  test.each([
    ['at the threshold', { harm: 100 }, "errors, evidence of more than the champion's 100 >= 100"],
    ['far beyond it', { harm: Number.MAX_VALUE }, '>= 100'],
    ['against the floor', { floor: 1000 }, 'errors, evidence of a share above 0.05 1000 >= 1000'],
  ])('%s is rolled back at once', (_, found, reason) => {
    const { state, decisions } = follow(policy, start, counted({ at: 0.1, candidate: 30, champion: 250, found }));
    expect(decisions[0]).toMatchObject({ action: 'roll back', share: 0, alert: true });
    expect(decisions[0]?.reason).toContain(reason);
    expect(state).toMatchObject({ phase: 'rolled back', share: 0, hold: null });
  });

  test('just below the threshold is not', () => {
    expect(actions(policy, start, counted({ at: 0.1, found: { harm: 99.99, floor: 999.9 } }))).toEqual(['wait']);
  });

  test('a floor counts only where there is one', () => {
    const rules = { ...policy, guardrails: policy.guardrails.map((one) => ({ ...one, floor: null })) };
    expect(actions(rules, start, counted({ at: 1, found: { floor: 1e9 } }))).toEqual(['wait']);
  });

  test('comes before a person, the split, the deadline and a promotion', () => {
    const person = { by: 'person', sinceMs: 0, name: 'ada', reason: 'looking' } as const;
    const seen = { at: 400, found: { harm: 200, split: 1e6 } };
    expect(actions(policy, { ...start, hold: person }, counted(seen))).toEqual(['roll back']);
    const { decisions } = follow(policy, start, counted(seen));
    expect(decisions[0]?.reason).toMatch(/^Rolled back, harm is shown/);
    const bake = { ...start, step: 2, share: 1, current: { ...start.current, share: 1 } };
    expect(actions(policy, bake, counted({ at: 50, share: 1, champion: 0, found: { floor: 1e4 } }))).toEqual(['roll back']);
  });

  test('of counters of another share is old news', () => {
    const { state, decisions } = follow(policy, start, counted({ at: 1, share: 0.5, found: { harm: 1e9 } }));
    expect(decisions[0]).toMatchObject({ action: 'wait' });
    expect(decisions[0]?.reason).toContain('the counters are of a share of 0.5, and 0.1 is set');
    expect(state.current.candidate.requests).toBe(0);
  });
});

describe('a wrong split', () => {
  const wrong = (at: number, candidate = 1000) => counted({ at, candidate, found: { split: 1000, harm: 0.1 } });

  test('holds and alerts once, stays wrong, and is rolled back when patience ends', () => {
    const { state, decisions } = follow(
      policy,
      start,
      wrong(11),
      counted({ at: 20, candidate: 2000, found: { split: 1 } }),
      counted({ at: 40.9, candidate: 3000 }),
      counted({ at: 41, candidate: 3001 }),
    );
    expect(decisions.map(({ action, alert }) => [action, alert])).toEqual([
      ['hold', true],
      ['hold', false],
      ['hold', false],
      ['roll back', true],
    ]);
    expect(last(decisions).reason).toContain('milliseconds held (split) 1800000 >= 1800000');
    expect(state.phase).toBe('rolled back');
  });

  test('needs the evidence of a thousand to one', () => {
    expect(actions(policy, start, counted({ at: 11, found: { split: 999 } }))).toEqual(['advance']);
  });

  test('of nobody at all is none: where the candidate answers everything it is not asked', () => {
    const bake = { ...start, step: 2, share: 1, current: { ...start.current, share: 1 } };
    const seen = counted({ at: 50, share: 1, champion: 0, found: { split: null, splitOnce: null } });
    expect(actions(policy, bake, seen)).toEqual(['promote']);
  });
});

describe('silence', () => {
  test('of everybody holds, then rolls back', () => {
    const { decisions } = follow(policy, start, nothing(1), nothing(4.9), nothing(5), nothing(34.9), nothing(35));
    expect(decisions.map(({ action, alert }) => [action, alert])).toEqual([
      ['wait', false],
      ['wait', false],
      ['hold', true],
      ['hold', false],
      ['roll back', true],
    ]);
    expect(decisions[0]?.reason).toBe('Waiting: nothing was counted: no server answered');
    expect(decisions[2]?.reason).toContain('(no server answered)');
  });

  test.each([
    ['candidate', counted({ at: 12, candidate: 1000, champion: 12_000 })],
    ['champion', counted({ at: 12, candidate: 1500, champion: 9000 })],
  ])('of the %s alone is silence too, though all else would pass', (_, observation) => {
    const { state, decisions } = follow(policy, start, counted({ at: 6 }), observation);
    expect(decisions.map(({ action }) => action)).toEqual(['wait', 'hold']);
    expect(state.hold).toEqual({ by: 'silence', sinceMs: 12 * minute });
  });

  test('that ends lets the rollout go on by itself', () => {
    const { state, decisions } = follow(
      policy,
      start,
      nothing(6),
      counted({ at: 7 }),
      counted({ at: 11, candidate: 1500, champion: 9900 }),
    );
    expect(decisions.map(({ action }) => action)).toEqual(['hold', 'wait', 'advance']);
    expect(state.hold).toBeNull();
  });

  test('of the champion is meant to be, once the candidate answers everything', () => {
    const bake = { ...start, step: 2, share: 1, current: { ...start.current, share: 1 } };
    const seen = { share: 1, champion: 0 };
    expect(actions(policy, bake, counted({ at: 4, candidate: 50, ...seen }), counted({ at: 8, candidate: 90, ...seen }))).toEqual(
      ['wait', 'wait'],
    );
  });

  test('begins anew with each step', () => {
    const quiet = counted({ at: 11, candidate: 1100, champion: 9000 });
    expect(actions(policy, start, counted({ at: 9 }), quiet, nothing(14.5))).toEqual(['wait', 'advance', 'wait']);
    expect(actions(policy, start, counted({ at: 11 }), nothing(15.9), nothing(16))).toEqual(['advance', 'wait', 'hold']);
  });

  test('counters that go backwards are silence', () => {
    const { state, decisions } = follow(policy, start, counted({ at: 4 }), counted({ at: 10, candidate: 10, champion: 90 }));
    expect(decisions[1]?.action).toBe('hold');
    expect(decisions[1]?.reason).toContain('the candidate counts 10 requests, and had 1000 before');
    expect(state.current.candidate.requests).toBe(1000);
  });
});

describe('the deadline', () => {
  const late = { at: 360, candidate: 99 };

  test('undecided rolls back', () => {
    const { decisions } = follow(policy, start, counted(late));
    expect(decisions[0]).toMatchObject({ action: 'roll back', share: 0, alert: true });
    expect(decisions[0]?.reason).toContain("candidate's requests in this step 99 >= 100 does not hold");
  });

  test('rolls back also where this step, but not the last, has all that it needs', () => {
    expect(actions(policy, start, counted({ at: 360 }))).toEqual(['roll back']);
  });

  test('does not take back what is decided', () => {
    const bake = { ...start, step: 2, share: 1, current: { ...start.current, share: 1 } };
    expect(actions(policy, bake, counted({ at: 360, share: 1, champion: 0 }))).toEqual(['promote']);
  });

  test('holds for a person where the policy says so, and then neither advances nor promotes by itself', () => {
    const rules = { ...policy, atDeadline: 'hold' as const };
    const { state, decisions } = follow(
      rules,
      start,
      counted(late),
      counted({ at: 500 }),
      counted({ at: 5000, candidate: 9000 }),
    );
    expect(decisions.map(({ action, alert }) => [action, alert])).toEqual([
      ['hold', true],
      ['hold', false],
      ['hold', false],
    ]);
    expect(state.hold).toEqual({ by: 'deadline', sinceMs: 360 * minute });
  });
});

describe('a person', () => {
  const held = { ...start, hold: { by: 'person', sinceMs: 0, name: 'ada', reason: 'looking at the slices' } } as const;

  test('who holds is waited for, over deadline and silence', () => {
    const { state, decisions } = follow(policy, held, counted({ at: 11 }), nothing(100), nothing(1000));
    expect(decisions.map(({ action }) => action)).toEqual(['hold', 'hold', 'hold']);
    expect(decisions[0]?.reason).toBe('Held by ada: looking at the slices');
    expect(state.hold).toEqual(held.hold);
  });
});

test('time never runs backwards', () => {
  const { state } = follow(policy, start, counted({ at: 8 }), counted({ at: 3, candidate: 1100 }));
  expect(state.elapsedMs).toBe(8 * minute);
  expect(state.heardMs.candidate).toBe(8 * minute);
});
