import { describe, expect, test } from 'vitest';
import { comparisonSchema } from '#domain/contracts/evaluation-report.ts';
import { evidenceRoles, findEvidence } from '#domain/decide/comparison-evidence.ts';
import { compareModels } from '#domain/stats/comparison/compare-models.ts';
import type { Contest } from '#domain/stats/comparison/estimate-gain.ts';
import type { Scored } from '#domain/stats/metrics/scored.ts';
import { createRandom } from '#domain/stats/random.ts';

const policy = { rule: 'not worse', margin: 0.01, confidence: 0.95 } as unknown as Contest['policy'];

/** Labels and scores of a model that is right more often the larger its skill. */
const binary = (rows: number, skill: number, seed: number): Scored => {
  const label = createRandom(1);
  const noise = createRandom(seed);
  const labels = Array.from({ length: rows }, () => (label() < 0.4 ? 1 : 0));
  return { task: 'binary', classes: 2, labels, answers: labels.map((value) => (noise() + skill * value) / (1 + skill)) };
};
const values = (rows: number, error: number, seed: number): Scored => {
  const label = createRandom(1);
  const noise = createRandom(seed);
  const labels = Array.from({ length: rows }, () => 10 * label());
  return { task: 'regression', classes: 0, labels, answers: labels.map((value) => value + error * (noise() - 0.5)) };
};
const contest = (metric: Contest['metric'], candidate: Scored, champion: Scored): Contest => ({
  metric,
  slice: null,
  candidate,
  champion,
  policy,
  seed: 7,
});
const intervalOf = (one: Contest) => findEvidence(compareModels(one), evidenceRoles.interval, 'interval');

describe('compareModels()', () => {
  test('gives evidence that the contract accepts, for every kind of test', () => {
    const pairs: Contest[] = [
      contest('roc_auc', binary(200, 0.6, 3), binary(200, 0.5, 4)),
      contest('accuracy', binary(200, 0.6, 3), binary(200, 0.5, 4)),
      contest('f1', binary(200, 0.6, 3), binary(200, 0.5, 4)),
      contest('rmse', values(200, 1, 3), values(200, 2, 4)),
    ];
    const methods = pairs.map((pair) => {
      const comparison = compareModels(pair);
      expect(comparisonSchema.parse(comparison)).toEqual(comparison);
      return intervalOf(pair)?.method;
    });
    expect(methods).toEqual([
      'DeLong, paired',
      'paired proportions',
      'paired bootstrap, 2000 resamples, mulberry32(7)',
      'paired bootstrap, 2000 resamples, mulberry32(7)',
    ]);
  });

  test('turns losses, so that a smaller error is a gain', () => {
    const better = intervalOf(contest('rmse', values(300, 1, 3), values(300, 2, 4)));
    expect(better?.estimate).toBeGreaterThan(0);
    expect(better?.lower).toBeGreaterThan(0);
    const worse = intervalOf(contest('rmse', values(300, 2, 3), values(300, 1, 4)));
    expect(worse?.upper).toBeLessThan(0);
  });

  test('a model against itself gains nothing, surely', () => {
    const one = binary(300, 0.5, 3);
    expect(intervalOf(contest('roc_auc', one, one))).toMatchObject({ estimate: 0, lower: 0, upper: 0 });
    expect(intervalOf(contest('f1', one, one))).toMatchObject({ estimate: 0, lower: 0, upper: 0 });
    // Equal answers on 300 rows leave room for 1 % of disagreements that were not seen.
    expect(intervalOf(contest('accuracy', one, one))?.lower).toBeCloseTo(-0.00994, 5);
  });

  test('says how many rows would decide', () => {
    const comparison = compareModels(contest('accuracy', binary(300, 0.5, 3), binary(300, 0.5, 4)));
    const needed = findEvidence(comparison, evidenceRoles.rowsToDecide, 'measurement');
    expect(needed?.value).toBeGreaterThan(300);
  });

  test('too few rows, or too few of a class, are insufficient with the inequality', () => {
    const few = compareModels(contest('roc_auc', binary(20, 0.5, 3), binary(20, 0.5, 4)));
    expect(few.evidence).toMatchObject([{ kind: 'insufficient', reason: 'rows 20 >= 30 does not hold' }]);
    const one = { ...binary(100, 0.5, 3), labels: new Array<number>(100).fill(0) };
    expect(compareModels(contest('roc_auc', one, one)).evidence).toMatchObject([{ kind: 'insufficient' }]);
    expect(compareModels(contest('pr_auc', one, one)).evidence).toMatchObject([{ kind: 'insufficient' }]);
  });

  test('no rows compare to nothing', () => {
    const none: Scored = { task: 'binary', classes: 2, labels: [], answers: [] };
    expect(compareModels(contest('roc_auc', none, none))).toMatchObject({ rows: 0, candidate: null, champion: null });
  });

  test('compares rankings of more than two classes by resampling', () => {
    const random = createRandom(9);
    const labels = Array.from({ length: 120 }, () => Math.floor(random() * 3));
    const answersOf = (skill: number) => labels.flatMap((label) => [0, 1, 2].map((k) => random() + (k === label ? skill : 0)));
    const model = (skill: number): Scored => ({ task: 'multiclass', classes: 3, labels, answers: answersOf(skill) });
    expect(intervalOf(contest('roc_auc', model(1), model(0.1)))?.lower).toBeGreaterThan(0);
    expect(intervalOf(contest('accuracy', model(1), model(0.1)))?.lower).toBeGreaterThan(0);
  });

  test('is the same again', () => {
    const one = contest('brier', binary(100, 0.6, 3), binary(100, 0.5, 4));
    expect(compareModels(one)).toEqual(compareModels(one));
  });
});
