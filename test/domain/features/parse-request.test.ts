import { describe, expect, it } from 'vitest';
import type { RequestField } from '#domain/contracts/feature-set.ts';
import { parseRequest } from '#domain/features/parse-request.ts';

const field = (name: string, type: RequestField['type'], more: Partial<RequestField> = {}): RequestField => ({
  name,
  type,
  unknownValues: 'allow',
  required: true,
  defaultsTo: null,
  ...more,
});
const now = Date.parse('2001-02-03T04:05:06.789Z');
const churn = [
  field('tenure', 'integer', { min: 0, max: 100, unit: 'months' }),
  field('monthly_charges', 'number', { required: false }),
  field('contract', 'category', { values: ['month', 'year'], unknownValues: 'reject' }),
  field('paperless', 'boolean'),
  field('date', 'timestamp', { required: false, defaultsTo: 'now' }),
];
const good = { tenure: 3, monthly_charges: 20.5, contract: 'month', paperless: true };
const problemsOf = (input: unknown): string[] => {
  const parsed = parseRequest(churn, input, now);
  return 'problems' in parsed ? parsed.problems.map(({ field: name, message }) => `${name}: ${message}`) : [];
};
const rowOf = (input: unknown, fields = churn) => {
  const parsed = parseRequest(fields, input, now);
  return 'row' in parsed ? { ...parsed.row } : parsed;
};

describe('parseRequest()', () => {
  it('gives the row with defaults filled in', () => {
    expect(rowOf(good)).toEqual({ ...good, date: now });
    expect(rowOf({ ...good, monthly_charges: null })).toEqual({ ...good, monthly_charges: null, date: now });
  });
  it('tells all problems at once, each with its field', () => {
    expect(problemsOf({ tenure: 3.5, contract: 'mont', paperless: 'yes', date: 'yesterday' })).toEqual([
      'tenure: must be a whole number: is 3.5',
      'contract: must be one of the known values: is "mont"; did you mean "month"? (month, year)',
      'paperless: must be true or false: is "yes"',
      'date: must be an ISO 8601 instant or epoch milliseconds: is "yesterday"',
    ]);
  });
  it('refuses what is out of range, with the unit', () => {
    expect(problemsOf({ ...good, tenure: -1 })).toEqual(['tenure: must be at least 0 months: is -1']);
    expect(problemsOf({ ...good, tenure: 101 })).toEqual(['tenure: must be at most 100 months: is 101']);
  });
  it('refuses unknown fields and says what was probably meant', () => {
    expect(problemsOf({ ...good, monthly_charge: 3 })).toEqual([
      'monthly_charge: is not a field of this model; did you mean "monthly_charges"?',
    ]);
    expect(problemsOf({ ...good, constructor: 1 })).toEqual(['constructor: is not a field of this model']);
  });
  it('asks for required fields, inherited ones do not count', () => {
    const { tenure, ...rest } = good;
    expect(problemsOf({ ...rest, tenure: null })).toEqual(['tenure: is required and must not be null']);
    expect(problemsOf(Object.assign(Object.create({ tenure }), rest))).toEqual(['tenure: is required and must not be null']);
  });
  it('refuses what is not an object, and numbers that are none', () => {
    expect(problemsOf([1])).toEqual([': must be an object of fields, or {"rows": [...]} of many: is [1]']);
    expect(problemsOf('row')).toEqual([': must be an object of fields: is "row"']);
    expect(problemsOf(null)).toHaveLength(1);
    expect(problemsOf({ ...good, monthly_charges: '20' })).toEqual(['monthly_charges: must be a number: is "20"']);
    expect(problemsOf({ ...good, monthly_charges: Number.NaN })).toHaveLength(1);
  });
  it.each([
    ['2001-01-02T03:04:05Z', '2001-01-02T03:04:05.000Z'],
    ['2001-01-02T03:04:05.250+02:00', '2001-01-02T01:04:05.250Z'],
    ['2001-01-02 03:04:05', '2001-01-02T03:04:05.000Z'],
    ['2001-01-02T03:04', '2001-01-02T03:04:00.000Z'],
    ['2001-01-02', '2001-01-02T00:00:00.000Z'],
  ])('reads %s as %s, UTC where no zone is given', (text, instant) => {
    expect(rowOf({ ...good, date: text })).toMatchObject({ date: Date.parse(instant) });
  });
  it('reads epoch milliseconds', () => {
    expect(rowOf({ ...good, date: now - 1 })).toMatchObject({ date: now - 1 });
    expect(problemsOf({ ...good, date: 1e300 })).toHaveLength(1);
  });
  it('carries fields with any name', () => {
    const fields = [field('__proto__', 'number'), field('constructor', 'number')];
    const parsed = parseRequest(fields, JSON.parse('{"__proto__": 1, "constructor": 2}'), now);
    expect('row' in parsed && [parsed.row['__proto__'], parsed.row['constructor']]).toEqual([1, 2]);
  });
});
