/** What somebody meets in the first hour: empty lists, mistyped names, numbers that are none. */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { sha256Of } from '../../infra/objects/digest.ts';
import { createDefinitions } from '../../infra/postgres/definitions.ts';
import { openDatabase } from '../../infra/postgres/pool.ts';
import { limitsText } from '../../workers/cli/data/show.ts';
import { valueText } from '../../workers/cli/explain/lines.ts';
import { formatDuration, formatMany, formatNumber, parseCount } from '../../workers/cli/quantity.ts';
import { asWritten } from '../../workers/cli/spec/as-written.ts';
import { parsePipeline } from '../../workers/cli/spec/read-pipeline.ts';
import type { PipelineName } from '../../workflows/domain/units.ts';
import { testDatabase, testFolder } from '../support/servers.ts';

const launcher = resolve(import.meta.dirname, '../../workers/cli/perennial');

const openWorld = async () => {
  const [database, { folder, close }] = [await testDatabase(), testFolder()];
  const opened = openDatabase(database.url);
  const file = { name: 'churn', data: { source: 'customers.csv', label: 'churned' } };
  await createDefinitions(opened.db).apply('churn' as PipelineName, null, file, sha256Of('definition'), 'c0ffee', 'ada');
  const before = { ...file, name: 'old', gate: { champion: { margin: 0 } } };
  await createDefinitions(opened.db).apply('old' as PipelineName, null, before, sha256Of('before'), 'c0ffee', 'ada');
  await opened.close();
  const env = {
    PATH: process.env.PATH,
    HOME: folder,
    NO_COLOR: '1',
    DATABASE_URL: database.url,
    PERENNIAL_STORE: join(folder, 'store'),
    PERENNIAL_STATE_DIR: join(folder, 'state'),
    TEMPORAL_ADDRESS: '127.0.0.1:1',
  };
  return {
    url: database.url,
    write: (name: string, text: string) => writeFileSync(join(folder, name), text),
    perennial: (...words: string[]) => spawnSync(launcher, words, { cwd: folder, encoding: 'utf8', env }),
    close: async () => {
      await database.close();
      close();
    },
  };
};

let world: Awaited<ReturnType<typeof openWorld>>;
beforeAll(async () => {
  world = await openWorld();
});
afterAll(() => world.close());

test('a definition that only an earlier version took does not keep anybody from planning another', () => {
  world.write('customers.csv', 'tenure,churned\n5,true\n7,false\n');
  world.write('old.yaml', stringify({ name: 'old', data: { source: 'customers.csv', label: 'churned' } }));
  const { status, stdout, stderr } = world.perennial('plan', 'old.yaml');
  expect([status, stderr]).toEqual([0, '']);
  expect(stdout).toContain('no longer fits this version of Perennial: `perennial apply old.yaml` replaces it');
});

describe('a mistyped pipeline', () => {
  test.each([
    ['status', 'chrun'],
    ['runs', 'list', '--pipeline', 'chrun'],
    ['models', 'list', 'chrun'],
    ['models', 'show', 'chrun'],
    ['data', 'list', '--pipeline', 'chrun'],
    ['rollback', 'chrun', '--reason', 'x'],
    ['hold', 'chrun', '--reason', 'x'],
    ['promote', 'chrun', '--reason', 'x'],
  ])('is not found, and the one that was meant is named: %s', (...words) => {
    const { status, stderr } = world.perennial(...words);
    expect(stderr).toContain('did you mean "churn"?');
    expect(status).toBe(4);
  });
});

test('what is not being rolled out cannot be held, promoted or rolled back', () => {
  for (const what of ['hold', 'promote']) {
    const { status, stderr } = world.perennial(what, 'churn', '--reason', 'x');
    expect(stderr).toContain(`Cannot ${what} "churn" as no version of it is being rolled out`);
    expect(status).toBe(4);
  }
  const { status, stderr } = world.perennial('rollback', 'churn', '--reason', 'x');
  expect(stderr).toContain('nothing was ever promoted');
  expect(status).toBe(4);
});

test('a number that is none is a wrong usage and no fault of ours', () => {
  for (const words of [
    ['runs', 'list', '--limit', 'x'],
    ['rollback', 'churn', '--to', 'x', '--reason', 'y'],
  ]) {
    const { status, stderr } = world.perennial(...words);
    expect(stderr).toContain('it should be a whole number, 1 or more');
    expect(status).toBe(2);
  }
});

test('an empty list says what fills it', () => {
  expect(world.perennial('runs', 'list').stdout).toBe('No runs yet: `perennial run PIPELINE` starts one\n');
});

test('the status as JSON holds no password', () => {
  const { stdout } = world.perennial('status', '--json');
  expect(JSON.parse(stdout).pipelines).toHaveLength(2);
  expect(stdout).not.toContain(world.url);
  expect(stdout).not.toContain('databaseUrl');
});

test('an unreachable Temporal has its own code and exit code', () => {
  const { status, stdout } = world.perennial('run', 'churn', '--json');
  expect(JSON.parse(stdout).error).toMatchObject({ code: 'PRN_UNREACHABLE' });
  expect(status).toBe(6);
});

test('a plan is a pipeline file again, with units, and means the same', () => {
  const text = stringify({
    name: 'churn',
    data: { source: 'c.csv', event_time: 'at', label: { name: 'late', known_after: '36h' }, rows: { at_least: 600000 } },
    training: { holdout: '7d', window: '60d', parameters: { window: 600000 } },
    gate: { approval: { required: true, within: '90s' } },
  });
  const { spec } = parsePipeline(text, 'before');
  const planned = stringify(asWritten(spec));
  expect(planned).toContain('known_after: 36h');
  expect(planned).toContain('timeout: 2h');
  expect(parsePipeline(planned, 'after').spec).toEqual(spec);
});

test('quantities are written for people', () => {
  expect([0, 500, 90_000, 86_400_000].map(formatDuration)).toEqual(['0s', '500ms', '90s', '1d']);
  expect([formatMany(1, 'row'), formatMany(1500, 'row')]).toEqual(['1 row', '1,500 rows']);
  expect([valueText(5.27e61), valueText(12_000), valueText(0.5)]).toEqual(['5.27e+61', '12,000', '0.50000']);
  const limits = [{ min: 0, max: 9, unit: 'h' }, { min: 0, unit: 'EUR' }, { max: 2 }, { unit: 'kg' }, {}].map(limitsText);
  expect(limits).toEqual(['0 to 9 h', 'at least 0 EUR', 'at most 2', 'kg', '']);
  expect([formatNumber(0.8426), formatNumber(1.7235e-7), formatNumber(0)]).toEqual(['0.84260', '1.72e-7', '0.00000']);
  expect(() => parseCount('--rows', '')).toThrow('Cannot use --rows ""');
});
