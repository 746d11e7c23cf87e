import { describe, expect, it } from 'vitest';
import { checkLabels } from '#domain/decide/ab/check-labels.ts';
import { gain } from '../gain.ts';

describe('checkLabels()', () => {
  it('passes where the candidate is shown to be better, fails where worse, at neither bound itself', () => {
    expect(checkLabels(gain(0.001, 0.1)).outcome).toBe('pass');
    expect(checkLabels(gain(-0.1, -0.001)).outcome).toBe('fail');
    expect(checkLabels(gain(0, 0.1)).outcome).toBe('inconclusive');
    expect(checkLabels(gain(-0.1, 0)).outcome).toBe('inconclusive');
  });

  it('says why labels do not tell', () => {
    expect(checkLabels({ id: 'g', what: 'gain', kind: 'insufficient', reason: 'no label yet', rows: 0 })).toMatchObject({
      outcome: 'inconclusive',
      sentence: 'labels do not tell: no label yet',
    });
    expect(checkLabels(null).outcome).toBe('inconclusive');
  });
});
