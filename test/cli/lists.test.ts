/** Lists of one pipeline or of all, asked for in the same words whatever is listed. */
import { spawnSync } from 'node:child_process';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { sha256Of } from '../../infra/objects/digest.ts';
import { createDefinitions } from '../../infra/postgres/definitions.ts';
import { createRuns } from '../../infra/postgres/runs.ts';
import { createSnapshots } from '../../infra/postgres/snapshots.ts';
import type { PipelineName, RunKey } from '../../workflows/domain/units.ts';
import { applyFlights, openBench, request } from '../infra/postgres/bench.ts';
import { describeWithServers, testFolder } from '../support/servers.ts';

const launcher = resolve(import.meta.dirname, '../../workers/cli/perennial');

describeWithServers('a list', () => {
  const closing: (() => unknown)[] = [];
  let perennial: (...words: string[]) => { status: number | null; stdout: string; stderr: string };

  beforeAll(async () => {
    const [bench, { folder, close }] = [await openBench(), testFolder()];
    closing.push(close, bench.end);
    await applyFlights(bench);
    const [pipeline, definitionSha256] = ['churn' as PipelineName, sha256Of('of churn')];
    await createDefinitions(bench.db).apply(pipeline, '/pipelines/churn', { name: pipeline }, definitionSha256, 'c0ffee', 'ada');
    const snapshot = { sha256: sha256Of('churn'), pipeline, rows: 10, bytes: 100, partCount: 1 };
    await createSnapshots(bench.db).record({ ...snapshot, firstEventAt: null, lastEventAt: null });
    const run = { ...request, pipeline, definitionSha256, runKey: 'fedcba9876543210' as RunKey };
    await createRuns(bench.db).begin(run, 'retrain/churn/fedcba9876543210');
    const env = {
      PATH: process.env['PATH'] ?? '',
      HOME: process.env['HOME'] ?? '',
      NO_COLOR: '1',
      DATABASE_URL: bench.url,
      // No list asks it.
      TEMPORAL_ADDRESS: '127.0.0.1:1',
      PERENNIAL_STORE: join(folder, 'store'),
      PERENNIAL_STATE_DIR: join(folder, 'state'),
    };
    perennial = (...words) => spawnSync(launcher, words, { cwd: folder, env, encoding: 'utf8' });
  });
  afterAll(async () => {
    for (const close of closing.toReversed()) await close();
  });

  test.each([
    ['data', 'snapshots'],
    ['runs', 'runs'],
  ])('of %s is of the pipeline that is named, as an argument or an option; of all where none is', (family, what) => {
    const pipelinesOf = (...words: string[]): string[] => {
      const { status, stdout, stderr } = perennial(family, 'list', ...words, '--json');
      expect(status, stderr).toBe(0);
      return (JSON.parse(stdout)[what] as { pipeline: string }[]).map(({ pipeline }) => pipeline).toSorted();
    };
    expect(pipelinesOf()).toEqual(['churn', 'flights']);
    expect(pipelinesOf('flights')).toEqual(['flights']);
    expect(pipelinesOf('--pipeline', 'flights')).toEqual(['flights']);
    expect(pipelinesOf('flights', '--pipeline', 'flights')).toEqual(['flights']);
  });

  test.each([
    [4, 'Cannot list snapshots of "flihgts": no such pipeline is applied; did you mean "flights"?', ['flihgts']],
    [2, 'Cannot list snapshots of "churn" and of --pipeline "flights" at once: name one', ['churn', '--pipeline', 'flights']],
  ])('exits with %i: %s', (exit, says, words) => {
    const { status, stderr } = perennial('data', 'list', ...words);
    expect([status, stderr]).toEqual([exit, expect.stringContaining(says)]);
  });
});
