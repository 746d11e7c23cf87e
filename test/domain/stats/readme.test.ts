/** The folder's README.md: a table that lies and a file that is not there fail here. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { hellingerDistance } from '#domain/stats/distances/hellinger.ts';
import { jensenShannonDistance } from '#domain/stats/distances/jensen-shannon.ts';
import { psi } from '#domain/stats/distances/psi.ts';
import { totalVariation } from '#domain/stats/distances/total-variation.ts';
import { wassersteinOfCells } from '#domain/stats/distances/wasserstein-cells.ts';
import { normalLowerTail, normalUpperQuantile, normalUpperTail } from '#domain/stats/special/normal.ts';
import { binnedKolmogorovSmirnov } from '#domain/stats/two-sample/kolmogorov-smirnov-cells.ts';

const folder = resolve(import.meta.dirname, '../../../workflows/domain/stats');
const readme = readFileSync(join(folder, 'README.md'), 'utf8');

/** Rows of the table whose first column begins with that heading, cell by cell. */
const tableAfter = (heading: string): string[][] => {
  const lines = readme.slice(readme.indexOf(heading)).split('\n');
  const end = lines.findIndex((line) => !line.startsWith('|'));
  return lines.slice(2, end).map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
};

/** Counts of 8 * 10^15 rows, the most that are still exact, of a normal distribution in the cells between the edges: noise far below the digits shown. */
const rows = 8e15;
const countsOf = (edges: readonly number[], mean: number, deviation: number): number[] =>
  Array.from({ length: edges.length + 1 }, (_, cell) => {
    const from = cell === 0 ? Number.NEGATIVE_INFINITY : ((edges[cell - 1] as number) - mean) / deviation;
    const to = cell === edges.length ? Number.POSITIVE_INFINITY : ((edges[cell] as number) - mean) / deviation;
    const share = from > 0 ? normalUpperTail(from) - normalUpperTail(to) : normalLowerTail(to) - normalLowerTail(from);
    return Math.round(rows * share);
  });

const fine = Array.from({ length: 2841 }, (_, index) => -6.6 + index / 200);
const twenty = Array.from({ length: 19 }, (_, index) => normalUpperQuantile(1 - (index + 1) / 20));

const distancesOf = (mean: number, deviation: number): number[] => {
  const [reference, current] = [countsOf(fine, 0, 1), countsOf(fine, mean, deviation)];
  const outer = { kind: 'unknown' } as const;
  return [
    psi(reference, current),
    psi(countsOf(twenty, 0, 1), countsOf(twenty, mean, deviation)),
    jensenShannonDistance(reference, current, 'nats'),
    jensenShannonDistance(reference, current, 'bits'),
    wassersteinOfCells({ edges: fine, reference, current, outer }),
    binnedKolmogorovSmirnov(reference, current)?.distance ?? null,
    totalVariation(reference, current),
    hellingerDistance(reference, current),
  ].map((distance) => distance as number);
};

const expectShown = (shown: readonly string[], found: readonly number[]): void => {
  expect(shown).toHaveLength(found.length);
  for (const [column, text] of shown.entries()) {
    const decimals = (text.replaceAll('*', '').split('.')[1] as string).length;
    // Half a unit of the last digit shown, and what the far tails and the cells cost.
    expect(Math.abs(Number(text.replaceAll('*', '')) - (found[column] as number))).toBeLessThan(0.5 * 10 ** -decimals + 2e-5);
  }
};

describe('the thresholds that are shown', () => {
  const shifts = tableAfter('| mean shifted by');
  test('there are some', () => expect(shifts.length).toBeGreaterThan(6));

  test.each(shifts)('a shift of %s', (shift, ...shown) => expectShown(shown, distancesOf(Number(shift), 1)));

  test.each(tableAfter('| deviation times'))('a deviation of %s', (factor, ...shown) =>
    expectShown(shown, distancesOf(0, Number(factor))),
  );
});

/** Paths of the map; a name without a folder stands in the folder of the one before it. */
const namedFiles = (): string[] => {
  let last = '';
  return tableAfter('| question').flatMap((row) =>
    [...row.join(' ').matchAll(/`([\w./-]+)`/g)].map(([, name]) => {
      last = (name as string).includes('/') ? (name as string) : join(dirname(last), name as string);
      return last;
    }),
  );
};

describe('the map', () => {
  test('names files and folders that are there', () => {
    expect(namedFiles().length).toBeGreaterThan(30);
    expect(namedFiles().filter((file) => !existsSync(join(folder, file)))).toEqual([]);
  });
});
