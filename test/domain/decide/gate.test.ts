import { describe, expect, test } from 'vitest';
import type { Comparison, EvaluationReport } from '#domain/contracts/evaluation-report.ts';
import type { Evidence } from '#domain/contracts/evidence.ts';
import { type GateSpec, gateSchema } from '#domain/contracts/pipeline-spec/training.ts';
import { verdictSchema } from '#domain/contracts/verdict.ts';
import { type EvidenceRole, evidenceId, sliceName } from '#domain/decide/comparison-evidence.ts';
import { decideGate } from '#domain/decide/gate.ts';
import type { Sha256, VersionNumber } from '#domain/units.ts';

const digest = 'a'.repeat(64) as Sha256;
const gate = (file: object = {}): GateSpec => gateSchema.parse(file);

type Bounds = {
  lower: number;
  upper: number;
  rows?: number;
  pHarm?: number;
  needed?: number;
  forPower?: number;
  confidence?: number;
};

const compared = (slice: Comparison['slice'], bounds: Bounds): Comparison => {
  const rows = bounds.rows ?? 1000;
  const subject = { metric: 'roc_auc' as const, slice };
  const id = (role: EvidenceRole) => evidenceId(subject, role);
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
  ];
  if (bounds.needed !== undefined)
    evidence.push({ id: id('rows-to-decide'), what, kind: 'measurement', value: bounds.needed, rows });
  if (bounds.forPower !== undefined)
    evidence.push({ id: id('rows-for-power'), what, kind: 'measurement', value: bounds.forPower, rows });
  return { ...subject, rows, candidate: 0.7, champion: 0.69, margin: 0.005, evidence };
};

const report = (parts: Partial<EvaluationReport> = {}): EvaluationReport => ({
  format: 1,
  frameSha256: digest,
  onnxSha256: digest,
  rows: 1000,
  primaryMetric: 'roc_auc',
  candidate: { roc_auc: 0.7, log_loss: 0.5 },
  champion: null,
  comparisons: [],
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
    expect(verdict.reason).toBe('roc_auc 0.7 >= 0.6; log_loss 0.5 <= 0.6');
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

  test('says parity where nothing else was asked', () => {
    const verdict = decideGate(report(), gate());
    expect(verdict.outcome).toBe('pass');
    expect(verdict.reason).toBe("largest difference of served from trainer's answers 2e-7 <= 0.0001");
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
    expect(decideGate(against(compared(null, { lower: 0.0001, upper: 0.01 })), better).outcome).toBe('pass');
    expect(decideGate(against(compared(null, { lower: -0.0001, upper: 0.01 })), better).outcome).toBe('inconclusive');
    expect(decideGate(against(compared(null, { lower: -0.01, upper: -0.0001 })), better).outcome).toBe('fail');
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
    expect(verdict.reason).toContain('no harm in 2 slices, the worst being origin=ATL with gain -0.003');
  });

  test('fails where one slice is harmed, though all rows together are better', () => {
    const verdict = decideGate(
      against(won, slice('ORD', { lower: -0.05, upper: -0.02, pHarm: 1e-6 }), slice('ATL', { lower: -0.001, upper: 0.01 })),
      policy,
    );
    expect(verdict.outcome).toBe('fail');
    expect(verdict.reason).toContain('roc_auc on origin=ORD');
    expect(verdict.reason).not.toContain('ATL');
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

test('decideGate() keeps its inputs and repeats itself', () => {
  const frozen = Object.freeze(against(compared(null, { lower: -0.01, upper: 0.01, needed: 5400 })));
  const policy = Object.freeze(gate());
  expect(decideGate(frozen, policy)).toEqual(decideGate(frozen, policy));
});
