import { describe, expect, test } from 'vitest';
import {
  type RetrainAsked,
  type RetrainVeto,
  retrainDecisionSchema,
  retrainStateSchema,
} from '#domain/contracts/retrain-policy.ts';
import type { Verdict, VerdictOutcome } from '#domain/contracts/verdict.ts';
import { inequality } from '#domain/decide/judgement.ts';
import { beginRetrainState, decideRetrain, type RetrainStep } from '#domain/decide/retrain/decide-retrain.ts';
import { signalOfVerdict } from '#domain/decide/retrain/signals.ts';
import { dayMs, hourMs } from '#domain/units.ts';
import vectors from '../../../golden/vectors.json' with { type: 'json' };
import { beginMs, observation, type Parts, policyOf, signal, tell } from './observed.ts';

const policy = policyOf();
const begun = beginRetrainState(policy, beginMs);
const said = ({ decision: { decision, reason } }: RetrainStep): string => `${decision}: ${reason}`;
const vetoesOf = ({ decision }: RetrainStep): RetrainVeto[] => decision.vetoes.map(({ veto }) => veto);

const loud = { performance: signal(1, 'roc_auc below the reference') };
const estimate = (calibrationError: number) => ({ ...signal(1, 'estimated accuracy'), calibrationError, calibrationLimit: 0.02 });

describe('the design', () => {
  const { scores, actions, high, low, consecutive, cooldown_windows: windows, budget } = vectors.policy;
  const drift = { high, low, consecutive };

  test('every branch of the vector, with windows of an hour', () => {
    const rules = policyOf(
      { on: ['drift'] },
      {
        triggers: { ...policy.triggers, drift },
        cooldownMs: windows * hourMs,
        budget: { runs: budget.max, perMs: budget.per_windows * hourMs },
      },
    );
    let state = beginRetrainState(rules, beginMs);
    const found = scores.map((score, index) => {
      const ended = state.running === null ? null : ('promoted' as const);
      const step = decideRetrain(
        rules,
        state,
        observation({ signals: { drift: signal(score) }, ended }),
        beginMs + index * hourMs,
      );
      state = step.state;
      return actionOf(step);
    });
    expect(found).toEqual(actions);
  });

  const actionOf = (step: RetrainStep): string => {
    const { decision, reason } = step.decision;
    if (decision === 'retrain') return 'RETRAIN';
    if (decision === 'suppressed') return `suppressed:${vetoesOf(step)[0]?.replace('not re-armed', 'not_rearmed')}`;
    return reason === 'nothing' ? 'ok' : 'pending';
  };
});

describe('reasons', () => {
  const cases: [string, Parts, string][] = [
    ['matured performance', { signals: loud }, 'retrain: performance'],
    ['an estimate with healthy calibration', { signals: { estimate: estimate(0.01) } }, 'retrain: estimate'],
    ['an estimate at the limit of calibration', { signals: { estimate: estimate(0.02) } }, 'retrain: estimate'],
    ['an estimate without healthy calibration', { signals: { estimate: estimate(0.03) } }, 'wait: estimate'],
    ['drift', { signals: { drift: signal(1) } }, 'retrain: drift'],
    ['no drift', { signals: { drift: signal(0.5) } }, 'wait: nothing'],
    ['age', { trainedAtMs: beginMs - 30 * dayMs }, 'retrain: age'],
    ['nearly age', { trainedAtMs: beginMs - 30 * dayMs + 1 }, 'wait: nothing'],
    ['a quarter more rows', { labels: { newRows: 2500, newRareRows: 0, lastTrainingRows: 10_000 } }, 'retrain: new labels'],
    ['fewer', { labels: { newRows: 2499, newRareRows: 999, lastTrainingRows: 10_000 } }, 'wait: nothing'],
    ['rare rows', { labels: { newRows: 1100, newRareRows: 1000, lastTrainingRows: 10_000 } }, 'retrain: new labels'],
    ['a first row', { labels: { newRows: 1, newRareRows: 0, lastTrainingRows: 0 } }, 'retrain: new labels'],
    ['a request', { asked: { by: 'ann', kind: 'person', despite: [] } }, 'retrain: asked'],
    ['nothing', {}, 'wait: nothing'],
  ];
  test.each(cases)('%s', (_, parts, wanted) => {
    const [step] = tell(policy, begun, [[0, parts]]) as [RetrainStep];
    expect(said(step)).toBe(wanted);
    expect(retrainDecisionSchema.parse(step.decision)).toEqual(step.decision);
    expect(retrainStateSchema.parse(step.state)).toEqual(step.state);
    expect(step.decision.sentence).toMatch(/\d/);
  });

  test('new labels of a regression, which has no classes, are counted and not asked for their rarest one', () => {
    const told = (newRareRows: number | null, newRows: number): RetrainStep => {
      const labels = { newRows, newRareRows, lastTrainingRows: 10_000 };
      return (tell(policy, begun, [[0, { labels }]]) as [RetrainStep])[0];
    };
    expect(said(told(null, 2500))).toBe('retrain: new labels');
    expect(said(told(null, 2499))).toBe('wait: nothing');
    expect(JSON.stringify(told(null, 2499).decision)).not.toContain('rarest class');
    expect(JSON.stringify(told(0, 2499).decision)).toContain('new labelled rows of the rarest class');
  });

  test('are heard in their order', () => {
    const all = {
      signals: { ...loud, estimate: estimate(0), drift: signal(1) },
      trainedAtMs: beginMs - 40 * dayMs,
      labels: { newRows: 9000, newRareRows: 0, lastTrainingRows: 10_000 },
      asked: { by: 'ann', kind: 'person', despite: [] },
    } as const satisfies Parts;
    const order = [];
    for (const on of [
      ['performance', 'estimate', 'drift', 'age', 'new labels'],
      ['estimate', 'drift', 'age', 'new labels'],
      ['drift', 'age', 'new labels'],
      ['age', 'new labels'],
      ['new labels'],
      [],
    ]) {
      const [step] = tell(policyOf({ on }), begun, [[0, all]]) as [RetrainStep];
      order.push(step.decision.reason);
    }
    expect(order).toEqual(['performance', 'estimate', 'drift', 'age', 'new labels', 'asked']);
  });

  test('say their numbers and their evidence', () => {
    const [step] = tell(policy, begun, [[0, { signals: loud }]]) as [RetrainStep];
    expect(step.decision.sentence).toBe('Retrain (performance): roc_auc below the reference 1 >= 1');
    expect(step.decision.evidenceIds).toEqual(['roc_auc below the reference-evidence']);
    expect(step.decision.inequalities.map(({ what }) => what)).toEqual([
      'roc_auc below the reference',
      'open breaches of data quality',
      'runs in progress',
      'labelled rows since the last training',
      'runs within the span of the budget',
    ]);
  });

  test('a policy that hears nothing still says what it looked at', () => {
    const [step] = tell(policyOf({ on: [] }), begun, [[0, {}]]) as [RetrainStep];
    expect(said(step)).toBe('wait: nothing');
    expect(step.decision.inequalities.length).toBeGreaterThan(0);
  });

  test('a signal that was not measured neither fires nor re-arms', () => {
    const steps = tell(policy, begun, [
      [0, { signals: { drift: signal(1) } }],
      [1, { ended: 'promoted' }],
      [2, { signals: { drift: null } }],
      [3, { signals: { drift: signal(1) } }],
    ]);
    expect(steps.map(said)).toEqual(['retrain: drift', 'wait: nothing', 'wait: nothing', 'suppressed: drift']);
  });

  test('verdicts fire, hold and re-arm', () => {
    const verdict = (outcome: VerdictOutcome, measured = true): Verdict => ({
      outcome,
      reason: 'because',
      inequalities: measured ? [inequality('gain', -1, '<', 0)] : [],
      evidenceIds: ['one'],
    });
    const windows = [
      verdict('fail'),
      verdict('inconclusive'),
      verdict('inconclusive', false),
      verdict('error'),
      verdict('fail'),
      verdict('pass'),
      verdict('fail'),
    ];
    const signals = windows.map((window) => signalOfVerdict('drift', window));
    expect(signals.map((found) => found?.score)).toEqual([1, 0.5, undefined, undefined, 1, 0, 1]);
    expect(signals[0]).toEqual({ score: 1, what: 'drift', evidenceIds: ['one'] });
    const story = signals.map((drift, day): [number, Parts] => [
      2 * day,
      { signals: { drift }, ended: day === 1 ? 'promoted' : null },
    ]);
    expect(tell(policy, begun, story).map(said)).toEqual([
      'retrain: drift',
      'wait: nothing',
      'wait: nothing',
      'wait: nothing',
      'suppressed: drift',
      'wait: nothing',
      'retrain: drift',
    ]);
  });
});

describe('drift is weighed against its cost where a worth is declared', () => {
  const weighing = policyOf({ worth: { predictions_per_day: 1000, value_per_error: '0.05 EUR', cost_per_run: '3 EUR' } });
  const drift = { drift: signal(1) };
  const gain = (lower: number) => ({ lower, cost: 3, evidenceIds: ['expected-gain'] });

  test.each([
    [3.01, 'retrain: drift'],
    [3, 'wait: drift'],
    [-20, 'wait: drift'],
  ])('a lower bound of %d', (lower, wanted) => {
    const [step] = tell(weighing, begun, [[0, { signals: drift, gain: gain(lower) }]]) as [RetrainStep];
    expect(said(step)).toBe(wanted);
    expect(step.decision.evidenceIds).toContain('expected-gain');
    expect(step.decision.inequalities).toContainEqual({
      what: 'lower bound of the expected gain',
      left: lower,
      operator: '>',
      right: 3,
      holds: lower > 3,
    });
  });

  test('an unknown gain is none', () => {
    expect(tell(weighing, begun, [[0, { signals: drift }]]).map(said)).toEqual(['wait: drift']);
  });

  test('a drift that did not pay leaves a later reason its turn, and fires once it pays', () => {
    const old = { trainedAtMs: beginMs - 40 * dayMs };
    expect(tell(weighing, begun, [[0, { signals: drift, gain: gain(0), ...old }]]).map(said)).toEqual(['retrain: age']);
    const later = tell(weighing, begun, [
      [0, { signals: drift, gain: gain(0) }],
      [1, { signals: drift, gain: gain(9) }],
    ]);
    expect(later.map(said)).toEqual(['wait: drift', 'retrain: drift']);
  });

  test('performance is not weighed: a breach is a breach', () => {
    expect(tell(weighing, begun, [[0, { signals: loud, gain: gain(0) }]]).map(said)).toEqual(['retrain: performance']);
  });
});

describe('vetoes', () => {
  const drift = { drift: signal(1) };
  const cases: [RetrainVeto, Parts][] = [
    ['data quality', { openBreaches: 1 }],
    ['run in progress', { otherRuns: 1 }],
    ['no new labels', { labels: { newRows: 0, newRareRows: 0, lastTrainingRows: 100 } }],
  ];
  test.each(cases)('%s', (veto, parts) => {
    const [step, after] = tell(policy, begun, [
      [0, { signals: drift, ...parts }],
      [1, { signals: drift }],
    ]) as [RetrainStep, RetrainStep];
    expect(said(step)).toBe('suppressed: drift');
    expect(vetoesOf(step)).toEqual([veto]);
    // What was suppressed was not answered: it fires when the veto is gone.
    expect(said(after)).toBe('retrain: drift');
  });

  test('labels that nobody counted are no veto, and no reason', () => {
    const parts: Parts = { labels: null };
    const asked: RetrainAsked = { by: 'schedule', kind: 'webhook', despite: [] };
    expect(tell(policy, begun, [[0, { ...parts, asked }]]).map(said)).toEqual(['retrain: asked']);
    expect(tell(policy, begun, [[0, parts]]).map(said)).toEqual(['wait: nothing']);
    expect(tell(policy, begun, [[0, { ...parts, signals: drift, openBreaches: 1 }]]).map(said)).toEqual(['suppressed: drift']);
  });

  test('cooldown ends after its time, not at it', () => {
    const again = { signals: drift, ended: 'rejected' } as const;
    const at = tell(policy, begun, [
      [0, { signals: drift }],
      [0.5, again],
    ])[1] as RetrainStep;
    expect(vetoesOf(at)).toEqual(['cooldown']);
    const past = tell(policy, begun, [
      [0, { signals: drift }],
      [0.5 + 1 / dayMs, again],
    ])[1] as RetrainStep;
    expect(said(past)).toBe('retrain: drift');
  });

  test('the budget frees a run when the oldest is as old as its span', () => {
    const tight = policyOf({ budget: { runs: 2, per: '10d' } });
    const story = [0, 4, 9, 9.99, 10].map((day): [number, Parts] => [
      day,
      { signals: drift, ended: day === 4 || day === 9 ? 'rejected' : null },
    ]);
    const steps = tell(tight, begun, story);
    expect(steps.map(said)).toEqual([
      'retrain: drift',
      'retrain: drift',
      'suppressed: drift',
      'suppressed: drift',
      'retrain: drift',
    ]);
    expect(vetoesOf(steps[3] as RetrainStep)).toEqual(['budget']);
  });

  test('a run in progress holds until its end is told', () => {
    const steps = tell(policy, begun, [
      [0, { signals: drift }],
      [5, { trainedAtMs: beginMs - 99 * dayMs }],
      [5, { ended: 'promoted' }],
    ]);
    expect(steps.map(said)).toEqual(['retrain: drift', 'suppressed: age', 'wait: nothing']);
    expect(vetoesOf(steps[1] as RetrainStep)).toEqual(['run in progress']);
  });

  test('several are all named, in their order', () => {
    const parts: Parts = {
      signals: drift,
      openBreaches: 2,
      otherRuns: 1,
      labels: { newRows: 0, newRareRows: 0, lastTrainingRows: 1 },
    };
    const [step] = tell(policy, begun, [[0, parts]]) as [RetrainStep];
    expect(vetoesOf(step)).toEqual(['data quality', 'run in progress', 'no new labels']);
    expect(step.decision.sentence).toContain('open breaches of data quality 2 <= 0 does not hold');
  });

  test('a thousand alerts are one retrain', () => {
    const story = Array.from({ length: 1000 }, (_, index): [number, Parts] => [
      index / 1000,
      { signals: drift, asked: { by: 'monitor', kind: 'webhook', despite: [] } },
    ]);
    const steps = tell(policy, begun, story);
    expect(steps.filter(({ decision }) => decision.decision === 'retrain')).toHaveLength(1);
    expect(steps.at(-1)?.state.runs).toBe(1);
  });
});

describe('what a request sets aside', () => {
  const person: RetrainAsked = { by: 'ann', kind: 'person', despite: [] };
  const webhook: RetrainAsked = { by: 'monitor', kind: 'webhook', despite: ['data quality', 'budget'] };
  const noLabels = { newRows: 0, newRareRows: 0, lastTrainingRows: 100 };
  const spent = policyOf({ budget: { runs: 1, per: '10d' } });
  const ran: [number, Parts][] = [[1.8, { signals: loud }]];

  type Case = [string, typeof policy, [number, Parts][], Parts, { person: string[] | null; named: string[] | null }];
  const cases: Case[] = [
    ['no new labels', policy, [], { labels: noLabels }, { person: null, named: null }],
    ['cooldown', policy, ran, { ended: 'promoted' }, { person: null, named: null }],
    [
      'back-off',
      policy,
      [1, 2, 3].flatMap((day): [number, Parts][] => [
        [day - 2, { signals: loud }],
        [day - 1.5, { ended: 'rejected' }],
      ]),
      {},
      { person: null, named: null },
    ],
    ['budget', spent, ran, { ended: 'promoted' }, { person: ['cooldown', 'budget'], named: null }],
    ['data quality', policy, [], { openBreaches: 1 }, { person: ['data quality'], named: null }],
    ['run in progress', policy, [], { otherRuns: 1 }, { person: ['run in progress'], named: ['run in progress'] }],
  ];
  test.each(cases)('%s', (veto, rules, before, parts, wanted) => {
    const from = tell(rules, beginRetrainState(rules, beginMs - 2 * dayMs), before).at(-1)?.state ?? begun;
    const ask = (asked: RetrainAsked) => tell(rules, from, [[1.9, { ...parts, asked }]])[0] as RetrainStep;
    const refusedBy = (step: RetrainStep) => (step.decision.decision === 'retrain' ? null : vetoesOf(step));
    const named = ask({ ...person, despite: ['data quality', 'budget'] });
    expect(refusedBy(named)).toEqual(wanted.named);
    const plain = ask(person);
    if (wanted.person === null) expect(refusedBy(plain)).toBeNull();
    else expect(refusedBy(plain)).toContain(veto);
    // Never silently: what was set aside is in the record.
    if (wanted.named === null)
      expect(named.decision.vetoes.filter(({ overridden }) => overridden).map((one) => one.veto)).toContain(veto);
    if (wanted.named === null) expect(named.decision.sentence).toContain('set aside: ');
    expect(refusedBy(ask(webhook))).toContain(veto);
  });

  test('a request runs where a reason of its own is vetoed', () => {
    const steps = tell(policy, begun, [
      [0, { signals: loud }],
      [0.1, { ended: 'rejected', signals: loud, asked: person }],
    ]);
    expect(steps.map(said)).toEqual(['retrain: performance', 'retrain: asked']);
  });
});

describe('how runs end', () => {
  const rejected = (times: number, outcome: 'rejected' | 'failed' = 'rejected') =>
    Array.from({ length: times }, (_, index): [number, Parts][] => [
      [100 * index, { signals: loud }],
      [100 * index + 1, { ended: outcome }],
    ]).flat();

  test.each(['rejected', 'failed'] as const)('three %s in a row page and back off, twice as long each time', (outcome) => {
    const steps = tell(policy, begun, rejected(9, outcome)).filter((_, index) => index % 2 === 1);
    expect(steps.map(({ decision }) => decision.page !== null)).toEqual([false, false, ...Array.from({ length: 7 }, () => true)]);
    const days = steps.map(({ state }) => (state.backOffUntilMs === null ? null : (state.backOffUntilMs - state.lastMs) / dayMs));
    expect(days).toEqual([null, null, 1, 2, 4, 8, 16, 32, 32]);
    expect(steps[2]?.decision.page).toContain('3 ');
    expect(steps[2]?.decision.page).toContain(
      'in a row: retraining is not the cure; no run by itself before 2026-07-26T00:00:00.000Z',
    );
  });

  test('the back-off vetoes until its end', () => {
    const from = tell(policy, begun, rejected(3)).at(-1)?.state as typeof begun;
    expect(vetoesOf(tell(policy, from, [[201.99, { signals: loud }]])[0] as RetrainStep)).toEqual(['back-off']);
    expect(said(tell(policy, from, [[202, { signals: loud }]])[0] as RetrainStep)).toBe('retrain: performance');
  });

  test('a promotion forgives, an inconclusive run does not, and neither counts', () => {
    const after = (last: 'promoted' | 'inconclusive' | 'held' | 'failed') =>
      tell(policy, begun, [...rejected(2), [300, { signals: loud }], [301, { ended: last }]]).at(-1)?.state;
    expect(after('promoted')).toMatchObject({ rejectedInARow: 0, failedInARow: 0, backOffUntilMs: null });
    expect(after('inconclusive')).toMatchObject({ rejectedInARow: 2, failedInARow: 0, backOffUntilMs: null });
    expect(after('held')).toMatchObject({ rejectedInARow: 2, backOffUntilMs: null });
    expect(after('failed')).toMatchObject({ rejectedInARow: 2, failedInARow: 1, backOffUntilMs: null });
  });

  test.each([
    ['rejected', 'retrain: performance'],
    ['inconclusive', 'retrain: performance'],
    ['failed', 'retrain: performance'],
    ['promoted', 'suppressed: performance'],
    ['held', 'suppressed: performance'],
  ] as const)('after %s, what is still loud is answered: %s', (ended, wanted) => {
    const steps = tell(policy, begun, [
      [0, { signals: loud }],
      [0.1, { ended }],
      [1, { signals: loud }],
    ]);
    expect(said(steps[2] as RetrainStep)).toBe(wanted);
  });

  test('the end of a run that somebody else started counts, and begins a cooldown', () => {
    const [end, next] = tell(policy, begun, [
      [0, { ended: 'rejected' }],
      [0.2, { signals: loud }],
    ]) as [RetrainStep, RetrainStep];
    expect(end.state.rejectedInARow).toBe(1);
    expect(vetoesOf(next)).toEqual(['cooldown']);
  });
});

describe('calibration alone', () => {
  const moved = { performance: signal(0, 'roc_auc'), calibration: signal(1, 'calibration error') };

  test('is recalibrated, and costs nothing of the budget', () => {
    const [step] = tell(policy, begun, [[0, { signals: moved }]]) as [RetrainStep];
    expect(said(step)).toBe('recalibrate: calibration');
    expect(step.state).toMatchObject({ runs: 0, startsMs: [], running: { kind: 'recalibrate' } });
    expect(step.decision.inequalities).toContainEqual({ what: 'roc_auc', left: 0, operator: '<', right: 1, holds: true });
  });

  test('is no recalibration where performance moved too, or is not known', () => {
    expect(tell(policy, begun, [[0, { signals: { ...moved, ...loud } }]]).map(said)).toEqual(['retrain: performance']);
    expect(tell(policy, begun, [[0, { signals: { ...moved, performance: null } }]]).map(said)).toEqual(['wait: calibration']);
    // Performance is loud, and was answered already: mapping scores anew would not help it.
    const spent = { ...begun, triggers: { ...begun.triggers, performance: { armed: false, inARow: 3 } } };
    expect(tell(policy, spent, [[0, { signals: { ...moved, ...loud } }]]).map(said)).toEqual(['suppressed: performance']);
  });

  test('a retrain comes before it, and needs it no more', () => {
    expect(tell(policy, begun, [[0, { signals: moved, trainedAtMs: beginMs - 40 * dayMs }]]).map(said)).toEqual(['retrain: age']);
  });

  test('where it did not help, the model is retrained; a promotion forgets that', () => {
    const steps = tell(policy, begun, [
      [0, { signals: moved }],
      [1, { ended: 'rejected' }],
      [2, { signals: moved }],
      [3, { ended: 'promoted', signals: { ...moved, calibration: signal(0) } }],
      [4, { signals: moved }],
    ]);
    expect(steps.map(said)).toEqual([
      'recalibrate: calibration',
      'wait: nothing',
      'retrain: calibration',
      'wait: nothing',
      'recalibrate: calibration',
    ]);
    expect(steps[1]?.state).toMatchObject({ rejectedInARow: 0, recalibrationFailed: true });
  });

  test('neither budget nor back-off holds it, a breach does', () => {
    const poor = { ...begun, startsMs: [beginMs], backOffUntilMs: beginMs + 9 * dayMs };
    const rules = policyOf({ budget: { runs: 1, per: '30d' } });
    expect(tell(rules, poor, [[1, { signals: moved }]]).map(said)).toEqual(['recalibrate: calibration']);
    expect(tell(rules, poor, [[1, { signals: moved, openBreaches: 1 }]]).map(said)).toEqual(['suppressed: calibration']);
  });
});

describe('the schedule beside it', () => {
  test('is counted as often as its period went by', () => {
    const steps = tell(policy, begun, [
      [6.9, {}],
      [7, {}],
      [8, {}],
      [30, {}],
    ]);
    expect(steps.map(({ decision }) => decision.counterfactual.wouldRetrain)).toEqual([false, true, false, true]);
    expect(steps.map(({ decision }) => decision.counterfactual.scheduleRuns)).toEqual([0, 1, 1, 4]);
    expect(steps[3]?.decision.counterfactual.nextScheduledMs).toBe(beginMs + 35 * dayMs);
  });

  test('counts what was done as well', () => {
    const [step] = tell(policy, begun, [[1, { signals: loud }]]) as [RetrainStep];
    expect(step.decision.counterfactual).toEqual({
      wouldRetrain: false,
      scheduleRuns: 0,
      ownRuns: 1,
      sinceMs: beginMs,
      nextScheduledMs: beginMs + 7 * dayMs,
    });
  });

  test('time never runs backwards', () => {
    const [, back] = tell(policy, begun, [
      [9, {}],
      [2, {}],
    ]) as [RetrainStep, RetrainStep];
    expect(back.state.lastMs).toBe(beginMs + 9 * dayMs);
  });
});
