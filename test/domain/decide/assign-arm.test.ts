import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { armBuckets, assignArm, bucketOfUnit, hashOfText } from '#domain/decide/assign-arm.ts';
import { chiSquareUpperQuantile } from '#domain/stats/special/chi-square.ts';

const idAt = (index: number): string =>
  `0190a3c1-7f2e-7${(index & 0xfff).toString(16).padStart(3, '0')}-8000-${index.toString(16).padStart(12, '0')}`;
const unitsOf = (nameOf: (index: number) => string, count: number): string[] =>
  Array.from({ length: count }, (_, index) => nameOf(index));

describe('hashOfText', () => {
  /** Bytes as published, two to a code unit, the low one first. */
  test.each([
    ['', 0, 0],
    ['', 1, 0x514e28b7],
    ['', 0x9747b28c, 0xebb6c228],
    ['\u6261', 0x9747b28c, 0x74875592],
    ['\u6161\u6161', 0x9747b28c, 0x5a97808a],
    ['\u6261\u6463', 0x9747b28c, 0xf0478627],
    ['\u6574\u7473', 0, 0xba6bd213],
  ])('of %j with seed %d is as published', (text, seed, wanted) => {
    expect(hashOfText(text, seed)).toBe(wanted);
  });

  test('changes half of its bits when one bit of the text or of the seed changes', () => {
    let flipped = 0;
    let asked = 0;
    const bitsOf = (value: number): number => value.toString(2).replaceAll('0', '').length;
    for (const text of unitsOf(idAt, 500)) {
      const hash = hashOfText(text, 7);
      const at = asked % text.length;
      const other = text.slice(0, at) + String.fromCharCode(text.charCodeAt(at) ^ 1) + text.slice(at + 1);
      flipped += bitsOf((hash ^ hashOfText(other, 7)) >>> 0) + bitsOf((hash ^ hashOfText(text, 6)) >>> 0);
      asked += 1;
    }
    // 32,000 fair coins: five standard deviations are 447.
    expect(Math.abs(flipped - 16_000)).toBeLessThan(447);
  });
});

describe('bucketOfUnit', () => {
  test('stays what it is: servers of two versions must agree', () => {
    const units = ['customer-1', 'customer-2', '', 'SEA|WN', 'é', '😀'];
    expect(units.map((unit) => bucketOfUnit('salt', unit))).toEqual([6460, 8696, 5408, 5303, 2584, 7189]);
  });

  test.each([
    ['ids that count up', (index: number) => String(index)],
    ['ids of predictions', idAt],
    ['names with a number', (index: number) => `customer-${index}`],
  ])('spreads %s evenly', (_, nameOf) => {
    const rows = 200_000;
    const cells = new Array<number>(100).fill(0);
    for (const unit of unitsOf(nameOf, rows)) (cells[Math.floor(bucketOfUnit('a salt', unit) / 100)] as number) += 1;
    const wanted = rows / cells.length;
    const statistic = cells.reduce((sum, count) => sum + (count - wanted) ** 2 / wanted, 0);
    expect(statistic).toBeLessThan(chiSquareUpperQuantile(0.001, cells.length - 1));
  });

  test('is dealt anew by another salt', () => {
    const rows = 100_000;
    const cells = new Array<number>(100).fill(0);
    for (const unit of unitsOf(idAt, rows)) {
      const [one, two] = [bucketOfUnit('roll-out/1', unit), bucketOfUnit('roll-out/2', unit)];
      (cells[Math.floor(one / 1_000) * 10 + Math.floor(two / 1_000)] as number) += 1;
    }
    const wanted = rows / cells.length;
    const statistic = cells.reduce((sum, count) => sum + (count - wanted) ** 2 / wanted, 0);
    expect(statistic).toBeLessThan(chiSquareUpperQuantile(0.001, cells.length - 1));
  });
});

describe('assignArm', () => {
  const share = fc.double({ min: 0, max: 1, noNaN: true });

  test('never moves anybody back when the share is raised, nor forth when it is lowered', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), fc.string(), share, share, (salt, unit, one, two) => {
        const [low, high] = one <= two ? [one, two] : [two, one];
        if (assignArm({ salt, share: low }, unit) === 'candidate')
          expect(assignArm({ salt, share: high }, unit)).toBe('candidate');
        if (assignArm({ salt, share: high }, unit) === 'champion') expect(assignArm({ salt, share: low }, unit)).toBe('champion');
      }),
      { numRuns: 2_000 },
    );
  });

  test('gives all to the champion at 0 and all to the candidate at 1', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (salt, unit) => {
        expect([assignArm({ salt, share: 0 }, unit), assignArm({ salt, share: 1 }, unit)]).toEqual(['champion', 'candidate']);
      }),
    );
  });

  test.each([0.0001, 0.07, 0.1, 0.29, 0.5, 0.57])('gives the candidate exactly the buckets below a share of %d', (wanted) => {
    const seen = new Map<number, string>();
    for (let index = 0; seen.size < armBuckets; index += 1) {
      const unit = String(index);
      seen.set(bucketOfUnit('s', unit), assignArm({ salt: 's', share: wanted }, unit));
    }
    expect([...seen.values()].filter((arm) => arm === 'candidate')).toHaveLength(Math.round(wanted * armBuckets));
  });
});
