import { describe, expect, test } from 'vitest';
import { type Comparison, type EvaluationReport, evaluationReportSchema } from '#domain/contracts/evaluation-report.ts';
import type { Evidence } from '#domain/contracts/evidence.ts';
import { pipelineSpecSchema } from '#domain/contracts/pipeline-spec/pipeline-spec.ts';
import { type GateSpec, gateSchema } from '#domain/contracts/pipeline-spec/training.ts';
import { verdictSchema } from '#domain/contracts/verdict.ts';
import { comparisonName, type EvidenceRole, evidenceId, sliceName } from '#domain/decide/comparison-evidence.ts';
import { sliceMargin } from '#domain/decide/gate/margin.ts';
import { decideGate } from '#domain/decide/gate.ts';
import { confidenceOfUse } from '#domain/stats/comparison/alpha-spending.ts';
import type { Sha256, VersionNumber } from '#domain/units.ts';

const digest = 'a'.repeat(64) as Sha256;
const gate = (file: object = {}): GateSpec => gateSchema.parse(file);

type Measure = EvaluationReport['fairness'][number]['measures'][number]['measure'];
type Bounds = {
  lower: number;
  upper: number;
  rows?: number;
  pHarm?: number;
  needed?: number;
  forPower?: number;
  confidence?: number;
  pBetter?: number;
  clusters?: Comparison['clusters'];
};

const compared = (slice: Comparison['slice'], bounds: Bounds): Comparison => {
  const rows = bounds.rows ?? 1000;
  const subject = { metric: 'roc_auc' as const, slice };
  const id = (role: EvidenceRole) => evidenceId(comparisonName(subject), role);
  const what = `gain on ${sliceName(slice)}`;
  const evidence: Evidence[] = [
    {
      id: id('interval'),
      what,
      kind: 'interval',
      estimate: (bounds.lower + bounds.upper) / 2,
      lower: bounds.lower,
      upper: bounds.upper,
      confidence: bounds.confidence ?? 0.95,
      sides: 'one',
      standardError: 0.001,
      method: 'DeLong',
      rows,
    },
    { id: id('harm'), what, kind: 'p-value', pValue: bounds.pHarm ?? 0.5, test: 'DeLong', rows },
    { id: id('better'), what, kind: 'p-value', pValue: bounds.pBetter ?? 0.5, test: 'DeLong', rows },
  ];
  if (bounds.needed !== undefined)
    evidence.push({ id: id('rows-to-decide'), what, kind: 'measurement', value: bounds.needed, rows });
  if (bounds.forPower !== undefined)
    evidence.push({ id: id('rows-for-power'), what, kind: 'measurement', value: bounds.forPower, rows });
  return { ...subject, rows, candidate: 0.7, champion: 0.69, margin: 0.005, clusters: bounds.clusters ?? null, evidence };
};

const report = (parts: Partial<EvaluationReport> = {}): EvaluationReport => ({
  format: 1,
  frameSha256: digest,
  onnxSha256: digest,
  rows: 1000,
  primaryMetric: 'roc_auc',
  candidate: { roc_auc: 0.7, log_loss: 0.5 },
  champion: null,
  championRows: null,
  comparisons: [],
  holdoutUse: null,
  fairness: [],
  calibration: null,
  slices: [],
  parity: { rows: 64, largestDifference: 2e-7, tolerance: 1e-4, holds: true, worst: null },
  latencyMsPerRow: 0.01,
  ...parts,
});

const against = (...comparisons: Comparison[]): EvaluationReport =>
  report({ champion: { version: 3 as VersionNumber, metrics: { roc_auc: 0.69 } }, comparisons });

describe('decideGate() without a champion', () => {
  test('passes a model within its limits and says the inequality', () => {
    const verdict = decideGate(report(), gate({ minimum: { roc_auc: 0.6 }, maximum: { log_loss: 0.6 } }));
    expect(verdict.outcome).toBe('pass');
    expect(verdict.reason).toBe(
      'no champion serves yet, so there is nothing to compare with; roc_auc 0.7 >= 0.6; log_loss 0.5 <= 0.6',
    );
    expect(verdict.inequalities).toContainEqual({ what: 'roc_auc', left: 0.7, operator: '>=', right: 0.6, holds: true });
    expect(verdictSchema.parse(verdict)).toEqual(verdict);
  });

  test('fails below a floor and above a ceiling', () => {
    expect(decideGate(report(), gate({ minimum: { roc_auc: 0.8 } }))).toMatchObject({
      outcome: 'fail',
      reason: 'roc_auc 0.7 >= 0.8 does not hold',
    });
    expect(decideGate(report(), gate({ maximum: { log_loss: 0.4 } }))).toMatchObject({
      outcome: 'fail',
      reason: 'log_loss 0.5 <= 0.4 does not hold',
    });
  });

  test('meets a limit that it equals', () => {
    expect(decideGate(report(), gate({ minimum: { roc_auc: 0.7 } })).outcome).toBe('pass');
  });

  test('says that there was nothing to compare with', () => {
    const verdict = decideGate(report(), gate());
    expect(verdict.outcome).toBe('pass');
    expect(verdict.reason).toBe('no champion serves yet, so there is nothing to compare with');
    expect(verdict.inequalities).toHaveLength(1);
  });

  test('a metric that is missing is an error, never a pass', () => {
    expect(decideGate(report(), gate({ minimum: { precision: 0.1 } })).outcome).toBe('error');
    expect(decideGate(report({ candidate: {} }), gate()).outcome).toBe('error');
  });

  test('a metric that is not the compared one is an error', () => {
    expect(decideGate(report(), gate({ metric: 'accuracy' })).outcome).toBe('error');
  });
});

describe('decideGate() on parity', () => {
  test('fails where the served answers differ, naming row and output', () => {
    const parity = {
      rows: 64,
      largestDifference: 0.01,
      tolerance: 1e-4,
      holds: false,
      worst: { row: 12, output: 1, trainer: 0.3, served: 0.31 },
    };
    const verdict = decideGate(report({ parity }), gate());
    expect(verdict.outcome).toBe('fail');
    expect(verdict.reason).toContain('0.01 <= 0.0001 does not hold (row 12, output 1: 0.31 for 0.3)');
  });

  test('is an error where no row could be compared', () => {
    const parity = { rows: 0, largestDifference: 0, tolerance: 1e-4, holds: true, worst: null };
    expect(decideGate(report({ parity }), gate()).outcome).toBe('error');
  });

  test('does not believe a report that says "holds" against its own numbers', () => {
    const parity = { rows: 64, largestDifference: 1, tolerance: 1e-4, holds: true, worst: null };
    expect(decideGate(report({ parity }), gate()).outcome).toBe('fail');
  });
});

describe('decideGate() against a champion', () => {
  const policy = gate({ champion: { margin: 0.003 } });

  test('says on which rows the champion could be judged', () => {
    const found = against(compared(null, { lower: -0.001, upper: 0.004, rows: 400 }));
    const known = { kind: 'known', unlearned: 400, learned: 600, learnedFrom: 'rows before 2001-02-01T00:00:00.000Z' } as const;
    expect(decideGate({ ...found, championRows: known }, policy)).toMatchObject({
      outcome: 'pass',
      reason: expect.stringMatching(
        /on 400 rows \(version 3 learned from 600 of the 1000 rows of this hold-out \(rows before 2001-02-01T00:00:00\.000Z\): compared on the other 400\)$/,
      ),
    });
    expect(decideGate({ ...found, championRows: { kind: 'imported' } }, policy).reason).toContain(
      '(version 3 was imported: whether it learned from these rows is not known)',
    );
    const all = { ...known, unlearned: 1000, learned: 0 };
    expect(decideGate({ ...found, championRows: all }, policy)).toEqual(decideGate(found, policy));
  });

  test('is inconclusive where nobody can tell, although slices and fairness were asked for', () => {
    const asked = gate({ slices: [{ by: 'origin' }], fairness: [{ by: 'origin' }] });
    const found = { ...against(), championRows: { kind: 'unknown' as const, reason: 'the record of its training is gone' } };
    expect(decideGate(found, asked)).toMatchObject({
      outcome: 'inconclusive',
      reason: expect.stringContaining('cannot be told, as the record of its training is gone; bring rows'),
    });
  });

  test('promotes a candidate that is shown not to be worse by the margin', () => {
    const verdict = decideGate(against(compared(null, { lower: -0.002, upper: 0.006 })), policy);
    expect(verdict.outcome).toBe('pass');
    expect(verdict.reason).toBe(
      'roc_auc 0.7 against 0.69 of the champion: gain 0.002, lower 95% bound -0.002 > -0.003 on 1000 rows',
    );
    expect(verdict.evidenceIds).toContain('roc_auc/all rows/interval');
  });

  test('fails a candidate that is shown to be worse by more than the margin', () => {
    const verdict = decideGate(against(compared(null, { lower: -0.02, upper: -0.004 })), policy);
    expect(verdict).toMatchObject({ outcome: 'fail', reason: expect.stringContaining('upper 95% bound -0.004 < -0.003') });
  });

  test('is inconclusive between, and says how many rows are missing', () => {
    const verdict = decideGate(against(compared(null, { lower: -0.01, upper: 0.01, needed: 5400 })), policy);
    expect(verdict.outcome).toBe('inconclusive');
    expect(verdict.reason).toContain('lower 95% bound -0.01 > -0.003 does not hold');
    expect(verdict.reason).toContain('about 4400 more rows would decide it');
  });

  test('a bound exactly on the limit shows nothing', () => {
    expect(decideGate(against(compared(null, { lower: -0.003, upper: 0.01 })), policy).outcome).toBe('inconclusive');
    expect(decideGate(against(compared(null, { lower: -0.01, upper: -0.003 })), policy).outcome).toBe('inconclusive');
  });

  test('"better" asks for a gain above zero', () => {
    const better = gate({ champion: { rule: 'better', margin: 0.003 } });
    const won = decideGate(against(compared(null, { lower: 0.0001, upper: 0.01, pBetter: 0.04 })), better);
    expect(won).toMatchObject({ outcome: 'pass', reason: expect.stringContaining('p of "not better" (DeLong) 0.04 < 0.05') });
    expect(won.evidenceIds).toContain('roc_auc/all rows/better');
    const unsure = compared(null, { lower: -0.0001, upper: 0.01, pBetter: 0.06, needed: 1200 });
    expect(decideGate(against(unsure), better)).toMatchObject({
      outcome: 'inconclusive',
      reason: expect.stringContaining('0.06 < 0.05 does not hold; about 200 more rows would decide it'),
    });
    const lost = compared(null, { lower: -0.01, upper: -0.0001, pBetter: 0.99 });
    expect(decideGate(against(lost), better)).toMatchObject({
      outcome: 'fail',
      reason: expect.stringContaining('upper 95% bound -0.0001 < 0 on 1000 rows'),
    });
  });

  test('"better" goes by its test, which may be stricter than the bounds', () => {
    const better = gate({ champion: { rule: 'better' } });
    const close = compared(null, { lower: 0.0001, upper: 0.01, pBetter: 0.051 });
    expect(decideGate(against(close), better).outcome).toBe('inconclusive');
    const bare = { ...close, evidence: close.evidence.filter(({ id }) => !id.endsWith('/better')) };
    expect(decideGate(against(bare), better).outcome).toBe('error');
  });

  test('says days where rows were counted by day, and how many more are wanted', () => {
    const clusters = { by: 'day', count: 8, effective: 7 };
    const verdict = decideGate(against(compared(null, { lower: -0.01, upper: 0.01, needed: 1500, clusters })), policy);
    expect(verdict.reason).toContain('on 1000 rows in 8 days; about 500 more rows (4 more days) would decide it');
  });

  test('asks for more on a hold-out that was used before, and says so', () => {
    const holdoutUse = { holdout: 'rows up to 2001-02-27', number: 2, confidence: 0.9924 };
    const used = (bounds: Bounds) => ({ ...against(compared(null, bounds)), holdoutUse });
    const verdict = decideGate(used({ lower: -0.002, upper: 0.006, confidence: 0.9924 }), policy);
    expect(verdict.outcome).toBe('pass');
    expect(verdict.reason).toContain(
      'lower 99.24% bound -0.002 > -0.003 on 1000 rows (candidate 2 on this hold-out, rows up to 2001-02-27, so it must be 99.24% sure)',
    );
    expect(decideGate(used({ lower: -0.002, upper: 0.006, confidence: 0.95 }), policy).outcome).toBe('error');
  });

  test('never asks to be 100% sure, however often a hold-out was used', () => {
    const confidence = confidenceOfUse(0.95, 100, 'kept');
    const comparison = compared(null, { lower: -0.002, upper: 0.006, confidence });
    const holdoutUse = { holdout: 'kept rows', number: 100, confidence };
    const { reason } = decideGate({ ...against(comparison), holdoutUse }, policy);
    expect(reason).toContain('lower 99.9997% bound');
    expect(reason).toContain('so it must be 99.9997% sure');
  });

  test('a use that claims less than the pipeline asks for is not believed', () => {
    const holdoutUse = { holdout: 'kept rows', number: 1, confidence: 0.9 };
    const report = { ...against(compared(null, { lower: -0.002, upper: 0.006, confidence: 0.9 })), holdoutUse };
    expect(decideGate(report, policy)).toMatchObject({ outcome: 'error', reason: 'bounds must be at 95%: they are at 90%' });
  });

  test('a limit that is broken outweighs a comparison that is won', () => {
    const strict = gate({ minimum: { roc_auc: 0.75 } });
    expect(decideGate(against(compared(null, { lower: 0.01, upper: 0.02 })), strict).outcome).toBe('fail');
  });

  test('no comparison, no bounds, and bounds at another confidence are errors', () => {
    expect(decideGate(against(), policy).outcome).toBe('error');
    const bare = { ...compared(null, { lower: 0, upper: 0 }), evidence: [] };
    expect(decideGate(against(bare), policy).outcome).toBe('error');
    expect(decideGate(against(compared(null, { lower: 0, upper: 1, confidence: 0.9 })), policy).outcome).toBe('error');
  });

  test('too few rows to compare are inconclusive', () => {
    const insufficient: Evidence = {
      id: 'roc_auc/all rows/interval',
      what: 'gain',
      kind: 'insufficient',
      reason: '20 rows >= 30 does not hold',
      rows: 20,
    };
    const comparison = { ...compared(null, { lower: 0, upper: 0 }), evidence: [insufficient] };
    expect(decideGate(against(comparison), policy)).toMatchObject({
      outcome: 'inconclusive',
      reason: 'roc_auc on all rows: 20 rows >= 30 does not hold',
    });
  });

  test('NaN decides nothing', () => {
    const nothing = compared(null, { lower: Number.NaN, upper: Number.NaN });
    expect(decideGate(against(nothing), policy).outcome).toBe('inconclusive');
  });
});

describe('decideGate() on slices', () => {
  const policy = gate({ slices: [{ by: 'origin', margin: 0.01 }] });
  const won = compared(null, { lower: 0.001, upper: 0.003 });
  const slice = (value: string, bounds: Bounds) => compared({ by: 'origin', value }, bounds);

  test('passes and names the worst slice', () => {
    const verdict = decideGate(
      against(won, slice('ORD', { lower: -0.005, upper: 0.005 }), slice('ATL', { lower: -0.009, upper: 0.003 })),
      policy,
    );
    expect(verdict.outcome).toBe('pass');
    expect(verdict.reason).toContain('the worst of 2 slices is origin=ATL: gain -0.003, upper 95% bound 0.003 >= -0.01');
    expect(verdict.inequalities.filter(({ what }) => what.includes('origin='))).toHaveLength(4);
  });

  test('fails where one slice is harmed, though all rows together are better', () => {
    const verdict = decideGate(
      against(won, slice('ORD', { lower: -0.05, upper: -0.02, pHarm: 1e-6 }), slice('ATL', { lower: -0.001, upper: 0.01 })),
      policy,
    );
    expect(verdict.outcome).toBe('fail');
    expect(verdict.reason).toContain('roc_auc on origin=ORD');
    expect(verdict.reason).not.toContain('ATL');
    expect(verdict.reason).toContain('the worst of 2 slices is origin=ORD: gain -0.035, upper 95% bound -0.02 < -0.01');
  });

  test('names the worst slice also where something else decided', () => {
    const strict = gate({ minimum: { roc_auc: 0.75 }, slices: [{ by: 'origin' }] });
    const verdict = decideGate(against(won, slice('ORD', { lower: -0.005, upper: 0.005 })), strict);
    expect(verdict.outcome).toBe('fail');
    expect(verdict.reason).toContain('the worst of 1 slices is origin=ORD');
  });

  test('a slice may lose twice what all rows may, unless it has a margin of its own', () => {
    const usual = gate({ champion: { margin: 0.004 }, slices: [{ by: 'origin' }] });
    const harmed = slice('ORD', { lower: -0.05, upper: -0.009, pHarm: 1e-6 });
    expect(decideGate(against(won, harmed), usual).reason).toContain('upper 95% bound -0.009 < -0.008');
    expect(sliceMargin(usual, 'origin', { metric: 'roc_auc', champion: 0.7 })).toEqual({ value: 0.008, words: '' });
    expect(sliceMargin(policy, 'origin', { metric: 'roc_auc', champion: 0.7 })).toEqual({ value: 0.01, words: '' });
  });

  test("ten slices do not raise ten times the alarms: Holm's correction", () => {
    const harmed = (pHarm: number) => slice('ORD', { lower: -0.05, upper: -0.011, pHarm });
    const others = Array.from({ length: 9 }, (_, index) => slice(`o${index}`, { lower: -0.005, upper: 0.01 }));
    expect(decideGate(against(won, harmed(0.04), ...others), policy).outcome).toBe('pass');
    expect(decideGate(against(won, harmed(0.004), ...others), policy).outcome).toBe('fail');
  });

  test('a slice with enough rows must be shown not to be worse', () => {
    const unsure = { lower: -0.02, upper: 0.01, rows: 2000 };
    expect(decideGate(against(won, slice('ORD', { ...unsure, forPower: 900 })), policy).outcome).toBe('inconclusive');
    expect(decideGate(against(won, slice('ORD', { ...unsure, forPower: 9000 })), policy).outcome).toBe('pass');
  });

  test('a slice that was asked for and not compared is an error', () => {
    expect(decideGate(against(won), policy)).toMatchObject({
      outcome: 'error',
      reason: expect.stringContaining('slices by origin'),
    });
  });

  test('slices wait for a champion', () => {
    expect(decideGate(report(), policy).outcome).toBe('pass');
  });
});

describe('decideGate() on calibration', () => {
  const line = { brier: 0.1, observedOverExpected: 1, spiegelhalter: null };
  const calibrated = (expectedError: number) =>
    report({ calibration: { candidate: { ...line, expectedError }, champion: null } });

  test('is asked only where the pipeline asks', () => {
    expect(decideGate(calibrated(0.4), gate()).outcome).toBe('pass');
    const asked = gate({ calibration: { at_most: 0.05 } });
    expect(decideGate(calibrated(0.04), asked).reason).toContain('expected calibration error 0.04 <= 0.05');
    expect(decideGate(calibrated(0.06), asked)).toMatchObject({
      outcome: 'fail',
      reason: 'expected calibration error 0.06 <= 0.05 does not hold',
    });
    expect(decideGate(report(), asked).outcome).toBe('error');
  });
});

describe('decideGate() on fairness', () => {
  const policy = gate({ fairness: [{ by: 'sex', margin: 0.05 }] });
  const won = compared(null, { lower: 0.001, upper: 0.003 });
  const rates = { selectionRate: 0.5, truePositiveRate: 0.5 };
  const group = { rows: 500, positives: 200, isGated: true, candidate: rates, champion: rates };
  const measured = (measure: Measure, candidate: number, { lower, upper, pHarm = 0.5, forPower }: Bounds) => {
    const renamed = compared(null, { lower, upper, pHarm, ...(forPower !== undefined && { forPower }) }).evidence.map((one) => ({
      ...one,
      id: one.id.replace('roc_auc/all rows', `${measure}/sex`),
    }));
    return { measure, candidate, champion: 0.1, evidence: renamed };
  };
  const gaps = (opportunity: Bounds, ratio = 0.9) => ({
    ...against(won),
    fairness: [
      {
        by: 'sex',
        margin: 0.05,
        groups: [
          { ...group, value: 'f' },
          { ...group, value: 'm' },
        ],
        measures: [
          measured('equal opportunity difference', 0.2, opportunity),
          measured('selection rate ratio', ratio, { lower: -0.01, upper: 0.01 }),
        ],
      },
    ],
  });

  test('fails a gap that is shown to be wider by more than the margin', () => {
    const verdict = decideGate(gaps({ lower: -0.15, upper: -0.08, pHarm: 1e-5 }), policy);
    expect(verdict).toMatchObject({
      outcome: 'fail',
      reason: expect.stringContaining('equal opportunity difference by sex 0.2 against 0.1 of the champion: gain -0.115'),
    });
  });

  test('passes where no harm is shown and rows are too few to show its absence', () => {
    expect(decideGate(gaps({ lower: -0.15, upper: 0.1 }), policy).outcome).toBe('pass');
    expect(decideGate(gaps({ lower: -0.15, upper: 0.1, forPower: 900 }), policy).outcome).toBe('inconclusive');
    expect(decideGate(gaps({ lower: -0.15, upper: 0.1, forPower: 9000 }), policy).outcome).toBe('pass');
  });

  test('reports four fifths, and gates by it never', () => {
    const verdict = decideGate(gaps({ lower: -0.01, upper: 0.01 }, 0.7), policy);
    expect(verdict.outcome).toBe('pass');
    const line = { what: 'selection rate ratio by sex, reported only', left: 0.7, operator: '>=', right: 0.8, holds: false };
    expect(verdict.inequalities).toContainEqual(line);
  });

  test('what was asked for and not compared is an error; without a champion it waits', () => {
    expect(decideGate(against(won), policy)).toMatchObject({
      outcome: 'error',
      reason: expect.stringContaining('fairness by sex'),
    });
    expect(decideGate(report(), policy).outcome).toBe('pass');
  });
});

describe('gateSchema', () => {
  const refusal = (file: object) => gateSchema.safeParse(file).error?.issues[0];

  test('refuses "not worse" by nothing, and says what to ask instead', () => {
    const issue = refusal({ champion: { margin: 0 } });
    expect(issue?.path).toEqual(['champion', 'margin']);
    expect(issue?.message).toContain('ask for rule: better instead');
    expect(gate({ champion: { rule: 'better', margin: 0 } }).champion.margin).toBe(0);
  });

  test('refuses levels that promise nothing or cannot be kept', () => {
    expect(refusal({ champion: { confidence: '100%' } })?.message).toContain('between 50% and 100%');
    expect(refusal({ champion: { confidence: 0.5 } })?.message).toContain('between 50% and 100%');
  });

  test('refuses days where rows have no time, before anything is trained', () => {
    const file = { name: 'churn', data: { source: 'churn.csv', label: 'churned' }, gate: { cluster: 'day' } };
    const issue = pipelineSpecSchema.safeParse(file).error?.issues[0];
    expect(issue?.path).toEqual(['gate', 'cluster']);
    expect(issue?.message).toContain('must have data.event_time');
    const timed = { ...file, data: { ...file.data, event_time: 'at' } };
    expect(pipelineSpecSchema.safeParse(timed).success).toBe(true);
  });

  test('takes clusters by time, by columns, or none', () => {
    expect(gate({ cluster: 'day' }).cluster).toBe('day');
    expect(gate({ cluster: ['origin', 'date'] }).cluster).toEqual(['origin', 'date']);
    expect(gate().cluster).toBeUndefined();
    expect(refusal({ cluster: [] })).toBeDefined();
    expect(refusal({ cluster: 'week' })).toBeDefined();
  });
});

test('reads reports from before there were clusters, uses, fairness, calibration and profiles', () => {
  const since = ['holdoutUse', 'fairness', 'calibration', 'clusters', 'profileSha256'];
  const now = against(compared(null, { lower: -0.002, upper: 0.006 }));
  const before = JSON.stringify(now, (key, value: unknown) => (since.includes(key) ? undefined : value));
  const read = evaluationReportSchema.parse(JSON.parse(before));
  expect(read).toMatchObject({ holdoutUse: null, fairness: [], calibration: null, comparisons: [{ clusters: null }] });
  expect(read.profileSha256).toBeUndefined();
  expect(decideGate(read, gate()).outcome).toBe('pass');
});

test('decideGate() keeps its inputs and repeats itself', () => {
  const frozen = Object.freeze(against(compared(null, { lower: -0.01, upper: 0.01, needed: 5400 })));
  const policy = Object.freeze(gate());
  expect(decideGate(frozen, policy)).toEqual(decideGate(frozen, policy));
});
