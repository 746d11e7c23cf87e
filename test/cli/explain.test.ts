import { describe, expect, test } from 'vitest';
import { evaluationLines } from '../../workers/cli/explain/evaluation.ts';
import { inequalityLines } from '../../workers/cli/explain/lines.ts';
import { resolveMeant } from '../../workers/cli/explain/resolve.ts';
import { evaluationReportSchema } from '../../workflows/domain/contracts/evaluation-report.ts';

describe('resolveMeant()', () => {
  test.each([
    ['3f2a', { kind: 'run', asked: '3f2a' }],
    ['1234', { kind: 'run', asked: '1234' }],
    ['retrain/churn/0123456789abcdef', { kind: 'run', asked: 'retrain/churn/0123456789abcdef' }],
    ['decision/128', { kind: 'decision', id: 128 }],
    ['churn/4', { kind: 'version', pipeline: 'churn', version: 4 }],
    ['churn@4', { kind: 'version', pipeline: 'churn', version: 4 }],
    ['churn/4/first', { kind: 'rollout', id: 'churn/4/first', pipeline: 'churn', version: 4 }],
    [`${['roll', 'out'].join('-')}/churn/4`, { kind: 'rollout', pipeline: 'churn', version: 4 }],
    ['churn/2001-02-05', { kind: 'window', pipeline: 'churn', from: '2001-02-05T00:00:00.000Z' }],
    ['churn/2001-02-05T06:00', { kind: 'window', pipeline: 'churn', from: '2001-02-05T06:00:00.000Z' }],
    ['churn/2001-02-05T00:00:00.000Z/2001-02-06T00:00:00.000Z', { kind: 'window', from: '2001-02-05T00:00:00.000Z' }],
    ['01936F0E-5B1A-7C3E-9F4A-0D2C6B8E1A55', { kind: 'prediction', id: '01936f0e-5b1a-7c3e-9f4a-0d2c6b8e1a55' }],
  ])('takes %s for what it is', (asked, meant) => {
    expect(resolveMeant(asked)).toMatchObject(meant);
  });

  test('refuses a day that is none', () => {
    expect(() => resolveMeant('churn/2001-02-45')).toThrow('it should be when the window begins');
  });
});

describe('inequalityLines()', () => {
  const found = [
    { what: 'critical features in drift', left: 0, operator: '>', right: 0, holds: false },
    ...[1, 2, 3, 4, 5].map((left) => ({ what: `part ${left}`, left, operator: '>=' as const, right: 0.5, holds: true })),
    { what: 'rows', left: 22226, operator: '>=', right: 100, holds: true },
  ] as const;

  test('tells what decided first, whether or not it holds, and counts as counts', () => {
    expect(
      inequalityLines(found, 'No drift: critical features in drift 0 > 0 does not hold; rows 22226 >= 100.', 'short'),
    ).toEqual([
      '    ▸ critical features in drift: 0 > 0 does not hold',
      '    ▸ rows: 22,226 >= 100 holds',
      '    · part 1: 1 >= 0.50000 holds',
      '    · part 2: 2 >= 0.50000 holds',
      '    and 3 others compared: --all',
    ]);
  });

  test('tells all that was compared where that is asked for, and takes no longer number for the one that decided', () => {
    const lines = inequalityLines(found, 'rows 22226 >= 1000; part 1 1 >= 0.55', 'all');
    expect(lines).toHaveLength(found.length);
    expect(lines.filter((line) => line.includes('▸'))).toEqual([]);
  });
});

describe('evaluationLines()', () => {
  const calibration = {
    expectedError: 0.021,
    brier: 0.15,
    observedOverExpected: 1.1,
    spiegelhalter: { z: 1.2, pValue: 0.23 },
  };
  const rates = { selectionRate: 0.2, truePositiveRate: 0.6 };
  const report = evaluationReportSchema.parse({
    format: 1,
    frameSha256: 'a'.repeat(64),
    onnxSha256: 'b'.repeat(64),
    rows: 500,
    primaryMetric: 'roc_auc',
    candidate: { roc_auc: 0.71 },
    champion: { version: 1, metrics: { roc_auc: 0.7 } },
    comparisons: [
      {
        metric: 'roc_auc',
        slice: null,
        rows: 500,
        candidate: 0.71,
        champion: 0.7,
        margin: 0,
        clusters: { by: 'day', count: 12, effective: 10.5 },
        evidence: [],
      },
    ],
    slices: [],
    parity: { rows: 500, largestDifference: 0.000001, tolerance: 0.0001, holds: true, worst: null },
    latencyMsPerRow: 0.02,
    calibration: { candidate: calibration, champion: null },
    fairness: [
      {
        by: 'region',
        margin: 0.05,
        groups: [
          {
            value: 'north',
            rows: 500,
            positives: 100,
            isGated: true,
            candidate: rates,
            champion: { ...rates, truePositiveRate: null },
          },
        ],
        measures: [
          {
            measure: 'selection rate ratio',
            candidate: 0.9,
            champion: 0.95,
            evidence: [
              {
                id: 'fairness',
                what: 'selection rate ratio, candidate minus champion',
                kind: 'interval',
                estimate: -0.05,
                lower: -0.08,
                upper: -0.02,
                confidence: 0.95,
                sides: 'one',
                standardError: 0.02,
                method: 'bootstrap',
                rows: 500,
              },
            ],
          },
        ],
      },
    ],
  });
  const text = evaluationLines(report, 'all').join('\n');

  test('in short tells the metrics alone, and where the rest is', () => {
    const short = evaluationLines(report, 'short');
    expect(short).toHaveLength(3);
    expect(short[1]).toContain('roc_auc, all rows: candidate 0.71000, champion 0.70000');
    expect(short[2]).toContain('--all');
  });

  test('tells fairness by measure and group, with the numbers', () => {
    expect(text).toContain('between groups of region, a margin of 0.05000 is granted');
    expect(text).toContain(
      'selection rate ratio, candidate minus champion: -0.05000, 95% bounds -0.08000 to -0.02000 (bootstrap, 500 rows)',
    );
    expect(text).toContain(
      'north: 500 rows, 100 positive; predicted positive 20%, champion 20%; found of the positive 60%, champion none',
    );
  });

  test('tells the comparison, and how many clusters it stands on', () => {
    expect(text).toContain(
      'roc_auc, all rows: candidate 0.71000, champion 0.70000; 500 rows, 12 clusters by day, worth 10.50000 of equal size',
    );
  });

  test('tells calibration, and on what all of it rests', () => {
    expect(text).toContain(
      'candidate: probabilities are off by 2.1% on average (Brier 0.15000), 1.10000 times as many positives as they say',
    );
    expect(text).toMatch(/trainer and served model differ by at most .* (within|beyond)/);
  });
});
