import { describe, expect, test } from 'vitest';
import { tickTexts } from '../../../infra/report/charts/svg.ts';
import { number } from '../../../infra/report/words.ts';

describe('tickTexts()', () => {
  test('has room for every digit left of the axis, and never cuts one off', () => {
    expect(tickTexts([0, 20_000, 40_000], number)).toEqual(['0', '20,000', '40,000']);
    expect(tickTexts([220_000, 240_000, 260_000], number)).toEqual(['220K', '240K', '260K']);
    expect(tickTexts([-40_000, -20_000, 0], number)).toEqual(['-40K', '-20K', '0']);
    expect(tickTexts([1_250_000, 1_251_000], number)).toEqual(['1.25M', '1.251M']);
    expect(tickTexts([-0.1, 0, 0.1], number)).toEqual(['-0.1', '0', '0.1']);
  });
});
