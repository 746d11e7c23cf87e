import { describe, expect, test } from 'vitest';
import { gateSchema } from '#domain/contracts/pipeline-spec/training.ts';
import { championMargin, sliceMargin } from '#domain/decide/gate/margin.ts';
import { toleratedDrop } from '#domain/decide/performance/tolerated-drop.ts';

const gate = (file: object = {}) => gateSchema.parse(file);
const house = { metric: 'rmse' as const, champion: 23_163.2 };
const ranking = { metric: 'roc_auc' as const, champion: 0.8 };

describe('championMargin()', () => {
  test('is half a point of a metric without a unit, and a fiftieth of an error in the unit of the label', () => {
    expect(championMargin(gate(), ranking)).toEqual({ value: 0.005, words: '' });
    expect(championMargin(gate(), house)).toEqual({ value: 463.264, words: ' (2% of 23163.2)' });
  });

  test('is what the file says: a number in the unit, or a share of whatever metric', () => {
    expect(championMargin(gate({ champion: { margin: 150 } }), house)).toEqual({ value: 150, words: '' });
    expect(championMargin(gate({ champion: { margin: '0.5%' } }), ranking)).toEqual({ value: 0.004, words: ' (0.5% of 0.8)' });
    expect(championMargin(gate({ champion: { margin: '10%' } }), { metric: 'r2', champion: -0.5 }).value).toBe(0.05);
  });

  test('is nothing of a value that does not exist', () =>
    expect(championMargin(gate(), { metric: 'mae', champion: null })).toEqual({ value: 0, words: '' }));
});

test('sliceMargin() is its own, else twice that of all rows, of the value on the slice', () => {
  const asked = gate({ slices: [{ by: 'town' }, { by: 'kind', margin: '3%' }, { by: 'year', margin: 0 }] });
  expect(sliceMargin(asked, 'town', { metric: 'rmse', champion: 1000 })).toEqual({ value: 40, words: ' (4% of 1000)' });
  expect(sliceMargin(asked, 'kind', { metric: 'rmse', champion: 1000 })).toEqual({ value: 30, words: ' (3% of 1000)' });
  expect(sliceMargin(asked, 'year', { metric: 'rmse', champion: 1000 })).toEqual({ value: 0, words: '' });
  expect(sliceMargin(asked, 'town', ranking)).toEqual({ value: 0.01, words: '' });
});

test('toleratedDrop() follows the unit of its metric too', () => {
  expect(toleratedDrop(undefined, 'roc_auc', 0.8)).toEqual({ value: 0.02, words: '' });
  expect(toleratedDrop(undefined, 'mae', 9000)).toEqual({ value: 450, words: ' (5% of 9000)' });
  expect(toleratedDrop(100, 'mae', 9000)).toEqual({ value: 100, words: '' });
  expect(toleratedDrop('1%', 'mae', 9000)).toEqual({ value: 90, words: ' (1% of 9000)' });
});

describe('gate.champion.margin', () => {
  test.each([0, '0%', '0.0%'])('of %s is refused where "not worse" has to be shown', (margin) => {
    expect(gateSchema.safeParse({ champion: { margin } }).error?.issues).toMatchObject([{ path: ['champion', 'margin'] }]);
    expect(gateSchema.safeParse({ champion: { margin, rule: 'better' } }).success).toBe(true);
  });

  test.each(['2', '2 %', '-2%', '2% of it'])('of "%s" says what it must be', (margin) => {
    expect(JSON.stringify(gateSchema.safeParse({ champion: { margin } }).error?.issues)).toContain(
      'a share of its value such as 2%',
    );
  });
});
