/** What a person reads of a watched pipeline: the commands as programs, on a database that the loop has written. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { subjectOfPrediction } from '../../infra/capture/subject.ts';
import { createDefinitions } from '../../infra/postgres/definitions.ts';
import { createLabels } from '../../infra/postgres/labels.ts';
import { createRuns } from '../../infra/postgres/runs.ts';
import type { RunKey, Sha256, VersionNumber } from '../../workflows/domain/units.ts';
import { answered, idAt, instant, refused } from '../infra/capture/records.ts';
import { shipPredictions } from '../support/loop/predictions.ts';
import { type StoredStory, storeStory } from '../support/loop/store.ts';
import { brokenDay } from '../support/loop/story.ts';
import { flights } from '../support/loop/world.ts';
import { testFolder } from '../support/servers.ts';

const at = '2001-02-10T08:30:00.000Z';
const launcher = resolve(import.meta.dirname, '../../workers/cli/perennial');
let stored: StoredStory;
let folder: ReturnType<typeof testFolder>;
const runKey = '0123456789abcdef' as RunKey;

beforeAll(async () => {
  stored = await storeStory();
  folder = testFolder();
  await shipPredictions(stored, folder.folder, [
    answered(at, 1),
    answered(at, 2, { generation: 2, arm: 'candidate' }),
    refused(at, 3),
    answered(at, 4, { inputs: { origin: 'SFO', date: 981_936_120_000 } }),
  ]);
  await storeFeatureSet();
  await createLabels(stored.db).record(flights, [{ subject: subjectOfPrediction(idAt(at, 1)), label: false, at: instant(at) }]);
  await recordRun();
});
/** Of the champion: which of its fields is an instant. */
const storeFeatureSet = async (): Promise<void> => {
  const date = { name: 'date', type: 'timestamp', unknownValues: 'allow', required: true, defaultsTo: null } as const;
  const feature = { name: 'hour', source: { kind: 'column', column: 'date' }, transforms: [], outputs: ['hour'] } as const;
  const sha256 = await stored.content.putJson({ format: 1, request: [date], views: [], features: [feature] });
  await stored.db.updateTable('model_versions').set({ feature_set_sha256: sha256 }).where('version', '=', 1).execute();
};
/** Of the version that its canary took back, which the gate had let pass. */
const recordRun = async (): Promise<void> => {
  const runs = createRuns(stored.db);
  const definitionSha256 = (await createDefinitions(stored.db).current(flights))?.sha256 as Sha256;
  const common = { pipeline: flights, runKey };
  const trigger = { kind: 'command', by: 'ada', reason: 'asked' } as const;
  const workflowId = `retrain/flights/${runKey}`;
  const asked = {
    format: 1,
    ...common,
    definitionSha256,
    codeVersion: 'c0ffee',
    listingSha256: definitionSha256,
    cutoff: null,
    trigger,
  } as const;
  await runs.begin(asked, workflowId);
  const reason = stored.story.rollouts[0]?.decisions.at(-1)?.reason as string;
  const slices = Array.from(
    { length: 20 },
    (_, place) => ({ what: `slice ${place}`, left: place, operator: '>=', right: 0, holds: true }) as const,
  );
  const primary = { what: 'roc_auc', left: 0.7, operator: '>=', right: 0.6, holds: true } as const;
  const gate = { outcome: 'pass', reason: 'roc_auc 0.7 >= 0.6', inequalities: [...slices, primary], evidenceIds: [] } as const;
  await runs.finish({
    ...common,
    workflowId,
    verdict: 'rejected',
    reason,
    gate: { ...gate, inequalities: [...gate.inequalities], evidenceIds: [] },
    dataVersion: null,
    modelVersion: 2 as VersionNumber,
    metrics: {},
  });
  await stored.db.updateTable('runs').set({ started_at: '2001-01-01T00:00:00.000Z' }).where('run_key', '=', runKey).execute();
};
afterAll(async () => {
  await stored.close();
  folder.close();
});

const environment = () => ({
  PATH: process.env.PATH,
  HOME: folder.folder,
  NO_COLOR: '1',
  DATABASE_URL: stored.url,
  PERENNIAL_STORE: (stored.store.config as { folder: string }).folder,
  PERENNIAL_STATE_DIR: join(folder.folder, 'state'),
  TEMPORAL_ADDRESS: '127.0.0.1:1',
});
const perennial = (...words: string[]) =>
  spawnSync(launcher, words, { cwd: folder.folder, encoding: 'utf8', env: environment() });

/** Ends when the text was printed; ends the program by the signal of Ctrl-C. */
const watchUntil = async (text: string, ...words: string[]): Promise<{ code: number | null; stdout: string }> => {
  const program = spawn(launcher, words, { cwd: folder.folder, env: environment() });
  let stdout = '';
  for await (const chunk of program.stdout) {
    stdout += String(chunk);
    if (stdout.includes(text) && !program.killed) program.kill('SIGINT');
  }
  const [code] = program.exitCode === null ? await once(program, 'exit') : [program.exitCode];
  return { code, stdout };
};

describe('perennial status', () => {
  test('says at a glance where a pipeline stands, from PostgreSQL alone', () => {
    const { status, stdout, stderr } = perennial('status', 'flights');
    expect([status, stderr]).toEqual([0, '']);
    expect(stdout).toContain('Cannot reach Temporal at "127.0.0.1:1"');
    expect(stdout).toMatch(/✗ champion {4}version 1, for \d+ (s|min), no server reports/);
    expect(stdout).toMatch(/… rollout {5}version 4 beside 1, canary, at 10 % for \d+ (s|min)/);
    expect(stdout).toContain('    quarantine  1 window, none after 2001-02-08 00:00');
    expect(stdout).toContain('    watch       data until 2001-02-11 23:59');
    expect(stdout).toContain('✗ drift       2001-02-11 to 2001-02-12: Drift: critical features in drift (dep_hour) 1 > 0');
    expect(stdout).toMatch(/✗ performance 2001-02-10 to 2001-02-11: roc_auc, window minus reference -0\.\d+: upper 95% bound/);
    expect(stdout).not.toContain('\u001b[');
  });

  test('is one document with --json, and holds no password', () => {
    const { stdout } = perennial('status', '--json');
    const { pipelines, temporal, links } = JSON.parse(stdout);
    expect(temporal.unreachable).toContain('nobody listens there');
    expect(pipelines).toMatchObject([
      {
        pipeline: 'flights',
        champion: { version: 1 },
        rollout: { row: { id: 'flights/4/third', state: 'running' } },
        quarantine: { open: 0, kept: 1 },
      },
    ]);
    expect(links.databaseUrl).toBeUndefined();
  });

  test('with --watch goes on until Ctrl-C, in plain lines elsewhere than on a terminal', async () => {
    const { code, stdout } = await watchUntil(runKey, 'status', '--watch');
    expect(code).toBe(0);
    expect(stdout).not.toContain('\u001b[');
  });
});

describe('perennial drift report', () => {
  test('tells every variable of the newest window, the most moved first', () => {
    const { status, stdout } = perennial('drift', 'report', 'flights');
    expect(status).toBe(0);
    expect(stdout).toContain('flights, 2001-02-11 to 2001-02-12, 1,200 rows against the same slot: ✗ fail');
    expect(stdout).toMatch(/^ {2}carrier\s+0\.\d+ +0\.\d+ +\S+ +1,200 +✗ drift$/m);
    expect(stdout.indexOf('carrier ')).toBeLessThan(stdout.indexOf('temperature '));
  });

  test('writes the page, whose numbers are those of --json', () => {
    const { status, stdout, stderr } = perennial('drift', 'report', 'flights', '--html', 'drift.html', '--json');
    expect(status).toBe(0);
    expect(stderr).toMatch(/^Wrote drift.html, \d+\.\d KiB/);
    expect(JSON.parse(stdout)).toMatchObject({ pipeline: 'flights', window: { rows: 1_200 } });
    expect(readFileSync(join(folder.folder, 'drift.html'), 'utf8')).toContain('<title>Drift of flights</title>');
  });

  test.each([
    ['2001-02-11', 3],
    ['2001-02-07T00:00', 8],
    ['2001-01-30', 0],
  ])('with --check ends the window of %s with exit code %s', (day, code) => {
    expect(perennial('drift', 'report', 'flights', '--window', day, '--check').status).toBe(code);
  });

  test('refuses a window that is none, or was never measured', () => {
    expect(perennial('drift', 'report', 'flights', '--window', 'yesterday').status).toBe(2);
    const { status, stderr } = perennial('drift', 'report', 'flights', '--window', '2000-01-01');
    expect(status).toBe(4);
    expect(stderr).toContain('the newest begin at 2001-02-09T00:00, 2001-02-10T00:00, 2001-02-11T00:00');
  });
});

describe('perennial explain', () => {
  test('a version: where it came from, when it was promoted', () => {
    const { status, stdout } = perennial('explain', 'flights/1');
    expect(status).toBe(0);
    expect(stdout).toContain('flights version 1: champion');
    expect(stdout).toMatch(/promoted {3}\S+ \S+ by ada, generation 1: first champion/);
  });

  test.each(['flights/2/first', 'roll-out/flights/2', 'flights/2'])('the rollout of a version, asked as %s', (asked) => {
    const { status, stdout } = perennial('explain', asked);
    expect(status).toBe(0);
    expect(stdout).toContain('flights/2/first: version 2 beside version 1, canary');
    expect(stdout).toContain('because    Rolled back, harm is shown: errors');
    expect(stdout).toMatch(/because .*\n {4}▸ errors, evidence of more than the champion's: \d+\.\d+ >= 200 holds\n/);
    expect(stdout).toMatch(/harmed {5}of \d+ requests that the candidate answered, \d+ went wrong/);
  });

  test('a run that its rollout ended: what the rollout compared, then that the gate had passed', () => {
    const { status, stdout } = perennial('explain', runKey);
    expect(status).toBe(0);
    expect(stdout).toMatch(
      /verdict {4}rejected\n {2}because {4}Rolled back.*\n {4}▸ errors, evidence of more .* holds\n {2}rollout {4}rolled back: perennial explain flights\/2\/first\n {2}gate {7}pass: roc_auc 0.7 >= 0.6\n {4}▸ roc_auc: 0.70000 >= 0.60000 holds\n/,
    );
    expect(stdout).toContain('    and 17 others compared: --all');
    expect(stdout).not.toMatch(/[✓✗]/);
    const all = perennial('explain', runKey, '--all').stdout;
    expect(all).not.toContain('--all');
    expect(all.split('\n').filter((line) => line.includes('· slice'))).toHaveLength(20);
  });

  test('a window, with the decision about it, and that decision by its number', () => {
    const window = perennial('explain', 'flights/2001-02-07');
    expect(window.stdout).toContain('… inconclusive');
    const id = /(decision\/\d+) of flights, quality/.exec(window.stdout)?.[1] as string;
    const decision = perennial('explain', id);
    expect(decision.status).toBe(0);
    expect(decision.stdout).toContain(`${id} of flights, quality: quarantine`);
    expect(decision.stdout).toContain('made from  memory, policy, reportSha256');
    const { record } = JSON.parse(perennial('explain', id, '--json').stdout);
    expect(record).toEqual(stored.story.days[brokenDay]?.decision);
  });

  test('an answer: the model, its data, the decision that let it answer, and its label', () => {
    const { status, stdout } = perennial('explain', idAt(at, 1));
    expect(status).toBe(0);
    expect(stdout).toContain(`prediction ${idAt(at, 1)} of flights, 2001-02-10 08:30`);
    expect(stdout).toContain('answer     true (score 0.70000)');
    expect(stdout).toContain('asked      origin SFO, distance 101');
    expect(stdout).toContain('looked up  origin_7d: late_rate 0.25');
    expect(stdout).toMatch(/model {6}version 1 \([0-9a-f]{12}\), trained by reference/);
    expect(stdout).toMatch(/because {4}generation 1: promoted \S+ \S+ by ada: first champion/);
    expect(stdout).toContain('label      false, known 2001-02-10 08:30');
  });

  test('an answer tells instants as instants', () => {
    expect(perennial('explain', idAt(at, 4)).stdout).toContain('asked      origin SFO, date 2001-02-12T00:02:00.000Z');
  });

  test('an answer of a candidate names the rollout that sent it there; a refusal says why', () => {
    const candidate = perennial('explain', idAt(at, 2)).stdout;
    expect(candidate).toContain(
      'generation 2, in rollout flights/2/first with the candidate at 10 %: perennial explain flights/2/first',
    );
    expect(candidate).toContain('label      none has come');
    const { stdout } = perennial('explain', idAt(at, 3).toUpperCase());
    expect(stdout).toContain('refused    422 PRN_SERVING_REQUEST: Cannot predict: "origin" is required');
  });

  test.each([
    ['decision/999999', 'perennial status'],
    ['flights/99', 'perennial models list flights'],
    ['flights/1/none', 'perennial explain flights/1'],
    ['flights/1999-01-01', 'perennial drift report flights'],
    ['01936f0e-5b1a-7c3e-9f4a-0d2c6b8e1a55', 'no server has shipped it'],
    ['ffff', 'perennial runs list'],
    ['flights', 'it is a pipeline: try "perennial explain flights/4" or "perennial explain flights/2001-02-11"'],
    ['fligths', 'did you mean the pipeline "flights"?'],
    ['2001-02-11', 'say of which pipeline, as "perennial explain flights/2001-02-11"'],
    ['flights/2/zz', 'its rollouts are flights/2/first'],
  ])('of %s says that there is none, and the way on', (asked, way) => {
    const { status, stderr } = perennial('explain', asked);
    expect(status).toBe(4);
    expect(stderr).toContain(way);
  });
});

describe('perennial quarantine', () => {
  const day = '2001-02-07';
  const release = (...words: string[]) => perennial('quarantine', 'release', 'flights', ...words, '--by', 'grace');

  test('lists windows with why; explains which command lets one count', () => {
    const { status, stdout } = perennial('quarantine', 'list', 'flights');
    expect(status).toBe(0);
    expect(stdout).toMatch(/^2001-02-07T00:00 {2}2001-02-08T00:00 {2}[\d,]+ +kept +\S+: /m);
    expect(perennial('explain', `flights/${day}`).stdout).toContain('perennial quarantine release flights 2001-02-07T00:00');
  });

  test('releases a window once, with who and why, also while Temporal is away; refuses the rest', () => {
    expect(release(day).status).toBe(2);
    expect(release('yesterday', '--reason', 'x').status).toBe(2);
    const unknown = release('2001-02-08', '--reason', 'x');
    expect([unknown.status, unknown.stderr]).toEqual([4, expect.stringContaining('it never was')]);
    const done = release(day, '--reason', 'the sensor was replaced');
    expect([done.status, done.stdout]).toEqual([0, 'flights: 2001-02-07 to 2001-02-08 counts again\n']);
    expect(done.stderr).toContain('The watch hears of it at its next look');
    const again = release(day, '--reason', 'me too');
    expect(again.status).toBe(5);
    expect(again.stderr).toMatch(/grace released it at \S+: the sensor was replaced/);
    const { windows } = JSON.parse(perennial('quarantine', 'list', 'flights', '--json').stdout);
    expect(windows).toMatchObject([{ released: { by: 'grace', reason: 'the sensor was replaced' } }]);
    expect(perennial('status', 'flights').stdout).not.toContain('quarantine  ');
    expect(perennial('explain', `flights/${day}`).stdout).toContain('released by grace: the sensor was replaced');
  });
});
