import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Batch, ValidationReport } from '#domain/contracts/dataset.ts';
import type { PipelineFile } from '#domain/contracts/pipeline-spec/pipeline-spec.ts';
import { acceptData } from '#domain/decide/accept-data.ts';
import type { QuarantinedRow } from '../../infra/data/rows.ts';
import { renderValidation } from '../../infra/tabular/report-text.ts';
import { csvOf, type DataWorld, eventsFile, openDataWorld } from './support/data-world.ts';

let world: DataWorld;
beforeAll(async () => {
  world = await openDataWorld();
});
afterAll(() => world.close());

const rows = [
  ['2001-01-01 09:00:00', 5, 'ORD'],
  ['2001-01-01 10:00:00', 16, 'LAX'],
  ['2001-01-02 08:00:00', -3, 'ATL'],
  ['2001-01-02 10:00:00', 200, 'ATL'],
] as const;
let files = 0;
const path = (text: string) => world.write(`data-${(files += 1)}.csv`, text);

const validate = async (file: PipelineFile, cutoff: string | null = null) => {
  const input = await world.prepare(file, cutoff);
  const { batchSha256 } = await world.ingest(input);
  const summary = await world.validate({ ...input, batchSha256 });
  return { input: { ...input, batchSha256 }, summary, report: await world.json<ValidationReport>(summary.reportSha256) };
};
const broken = (report: ValidationReport) =>
  report.findings
    .filter((finding) => !finding.holds)
    .map((finding) => [finding.check, finding.column, finding.severity, finding.rows]);

describe('validateBatch()', () => {
  it('accepts good data, and gives the same report for the same key', async () => {
    const { input, summary, report } = await validate(eventsFile(path(csvOf(rows))));
    expect(broken(report)).toEqual([]);
    expect(acceptData(summary)).toMatchObject({ outcome: 'pass' });
    expect(await world.validate(input)).toEqual(summary);
    await world.db.deleteFrom('step_results').where('step', '=', 'validateBatch').execute();
    expect(await world.validate(input)).toEqual(summary);
  });

  it('judges expectations per row, per group and per day, by severity', async () => {
    const checks: NonNullable<PipelineFile['data']['checks']> = [
      { name: 'rows per day', sql: 'count(*) >= 3', per: 'day', severity: 'fail' },
      { name: 'one delay a place', sql: 'count(DISTINCT delay) = 1', per: ['place'], severity: 'warn' },
      { name: 'plausible', sql: 'delay < 100', severity: 'quarantine' },
      { name: 'all in all', sql: 'avg(delay) < 1000' },
    ];
    const { summary, report } = await validate(eventsFile(path(csvOf(rows)), { checks }));
    expect(broken(report)).toEqual([
      ['rows per day', null, 'fail', 2],
      ['one delay a place', null, 'warn', 1],
      ['plausible', null, 'quarantine', 1],
    ]);
    expect(summary).toMatchObject({ quarantinedRows: 1, warnings: 1 });
    expect(summary.failures).toEqual(['rows per day: count(*) >= 3 in every group: 2 of 2 groups break it, expected 0']);
    const verdict = acceptData(summary);
    expect(verdict.outcome).toBe('fail');
    expect(verdict.reason).toContain('2 of 2 groups break it');
    const aside = await world.rows<QuarantinedRow>([report.quarantined.sha256 as never]);
    expect(aside).toMatchObject([{ row: 1, checks: 'plausible' }]);
    expect(JSON.parse(aside[0]?.raw as string)).toMatchObject({ delay: 200, place: 'ATL' });
    const text = renderValidation(report);
    expect(text).toContain('1 rows are set aside in quarantine');
    expect(text.indexOf('fail ')).toBeLessThan(text.indexOf('warn '));
    expect(text).toContain('2001-01-01');
  });

  it('quarantines whole groups', async () => {
    const checks = [{ name: 'one delay', sql: 'count(DISTINCT delay) = 1', per: ['place'], severity: 'quarantine' as const }];
    const { summary } = await validate(eventsFile(path(csvOf(rows)), { checks }));
    expect(summary.quarantinedRows).toBe(2);
  });

  it.each([
    [
      'one class only',
      csvOf([
        ['2001-01-01', 1, 'A'],
        ['2001-01-02', 2, 'A'],
      ]),
      {},
      /"late" has at least 2 values: observed only false/,
    ],
    [
      'a label that is never known',
      csvOf([
        ['2001-01-01', '', 'A'],
        ['2001-01-02', '', 'B'],
      ]),
      {},
      /"late" has a value in 0 of 2 rows/,
    ],
    [
      'a column without values',
      csvOf([
        ['2001-01-01', 1, ''],
        ['2001-01-02', 20, ''],
      ]),
      {},
      /"place" has a value in 0 of 2 rows/,
    ],
    ['too few rows', csvOf(rows), { rows: { at_least: 5 } }, /rows >= 5: 4 rows/],
    ['too many rows', csvOf(rows), { rows: { at_most: 3 } }, /rows <= 3: 4 rows/],
    [
      'too many rejected rows',
      csvOf([...rows, ['x', 1, 'A']]),
      { rejected: { at_most: 0.1 } },
      /rejected rows <= 10\.00%: 1 of 5 rows \(20\.00%\), most of all 1 x "at" not an instant .*, such as .* line 6: "x"/,
    ],
    ['only rejected rows', csvOf([['x', 1, 'A']]), {}, /rows >= 1: 0 rows/],
  ])('rejects %s', async (_, text, more, expected) => {
    const { summary } = await validate(eventsFile(path(text), more));
    expect(summary.failures.join('\n')).toMatch(expected);
    expect(acceptData(summary).outcome).toBe('fail');
  });

  it('rejects a batch whose rows are all in quarantine', async () => {
    const checks = [{ name: 'never', sql: 'delay > 5000', severity: 'quarantine' as const }];
    const { summary } = await validate(eventsFile(path(csvOf(rows)), { checks }));
    expect(acceptData(summary)).toMatchObject({ outcome: 'fail' });
    expect(summary.quarantinedRows).toBe(4);
  });

  it('measures freshness against the cut-off', async () => {
    const stale = await validate(eventsFile(path(csvOf(rows)), { freshness: '1d' }), '2001-01-05T00:00:00.000Z');
    expect(stale.summary.failures[0]).toMatch(/newest event no older than 24\.0 hours before the cut-off: it is 2\.6 days old/);
    const fresh = await validate(eventsFile(path(csvOf(rows)), { freshness: '1d' }), '2001-01-03T00:00:00.000Z');
    expect(fresh.summary.failures).toEqual([]);
  });

  it('finds repeated values where a column is unique', async () => {
    const columns = { at: { type: 'timestamp' }, delay: { type: 'integer', unique: true }, place: { type: 'category' } } as const;
    const { summary } = await validate(eventsFile(path(csvOf([...rows, ['2001-01-03', 5, 'ORD']])), { columns }));
    expect(summary.failures).toEqual(['"delay" is unique: 1 values stand in more than one row, expected 0']);
  });

  it('compares categories with the snapshot before', async () => {
    const columns = { at: { type: 'timestamp' }, delay: { type: 'integer' }, place: { type: 'category' } } as const;
    const named = (text: string, new_values: 'warn' | 'reject' | 'allow'): PipelineFile => ({
      ...eventsFile(path(text), { columns: { ...columns, place: { type: 'category', new_values } } }),
      name: 'places',
    });
    await world.snapshot(named(csvOf(rows), 'warn'));
    const more = csvOf([...rows, ['2001-01-03', 20, 'NEW'], ['2001-01-03', 1, 'ATL']]);
    expect(broken((await validate(named(more, 'warn'))).report)).toEqual([['schema', 'place', 'warn', 1]]);
    expect(broken((await validate(named(more, 'allow'))).report)).toEqual([]);
    const rejected = await validate(named(more, 'reject'));
    expect(broken(rejected.report)).toEqual([['schema', 'place', 'quarantine', 1]]);
    expect(rejected.summary.quarantinedRows).toBe(1);
  });

  it('names the check whose SQL cannot be evaluated', async () => {
    const withCheck = (sql: string, per?: 'day') =>
      validate(
        eventsFile(path(csvOf(rows)), {
          checks: [
            { name: 'good', sql: 'delay > -200' },
            { name: 'mine', sql, ...(per ? { per } : {}) },
          ],
        }),
      ).then(
        () => 'no error',
        (error) => `${error.code}: ${error.message}`,
      );
    expect(await withCheck('delai > 1')).toMatch(/^PRN_DATA_SQL: Cannot evaluate check "mine".*delai/s);
    expect(await withCheck('delay +')).toMatch(/^PRN_DATA_SQL: Cannot evaluate check "mine" as it is not SQL/);
    expect(await withCheck('place')).toMatch(/^PRN_DATA_SQL: .*gives VARCHAR, and should give a boolean/);
    expect(await withCheck('CAST(place AS INTEGER) > 1')).toMatch(
      /^PRN_DATA_SQL: Cannot evaluate check "mine" as Conversion Error/,
    );
    expect(await withCheck(`EXISTS (SELECT 1 FROM read_text('/etc/passwd'))`)).toMatch(/^PRN_DATA_SQL: .*subquery/);
    expect(await withCheck('now() > "at"')).toMatch(/^PRN_DATA_SQL: .*another answer/);
  });

  it('judges files by their number', async () => {
    world.write('pictures/a.png', Buffer.from([1]));
    const { report } = await validate({
      name: 'pictures',
      data: { source: { type: 'files', path: 'pictures' }, label: 'kind', rows: { at_least: 2 } },
    });
    expect(broken(report)).toEqual([['rows', null, 'fail', 0]]);
  });

  it('says in the batch what was cut off', async () => {
    const { input } = await validate(eventsFile(path(csvOf(rows))), '2001-01-02T00:00:00.000Z');
    expect(await world.json<Batch>(input.batchSha256)).toMatchObject({ cutoff: '2001-01-02T00:00:00.000Z', rows: 2 });
  });
});
