/** The command as a program: exit codes and what a newcomer reads. */
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { text as textOf } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';

const launcher = resolve(import.meta.dirname, '../../workers/cli/perennial');
const folder = mkdtempSync(join(tmpdir(), 'perennial-cli-'));
const smallest = 'name: churn\ndata:\n  source: customers.csv\n  label: churned\n';

const alone = { ...process.env, DATABASE_URL: '', TEMPORAL_ADDRESS: '', PERENNIAL_STATE_DIR: '', NO_COLOR: '1' };
/** In a folder where nothing runs. */
const perennial = (...words: string[]) =>
  spawnSync(launcher, words, {
    cwd: folder,
    encoding: 'utf8',
    env: alone,
  });

describe('perennial', () => {
  it('shows its help when nothing is asked', () => {
    const { status, stdout } = perennial();
    expect(status).toBe(0);
    for (const name of ['up', 'run', 'explain', 'predict', 'demo']) expect(stdout).toMatch(new RegExp(`^  ${name} `, 'm'));
  });

  it.each([
    'up',
    'down',
    'doctor',
    'plan',
    'apply',
    'run',
    'retrain',
    'watch',
    'status',
    'data',
    'models',
    'runs',
    'explain',
    'drift',
    'predict',
    'cancel',
    'approve',
    'reject',
    'hold',
    'promote',
    'pause',
    'resume',
    'delete',
    'rollback',
    'migrate',
    'logs',
    'worker',
    'serve',
    'control',
    'demo',
    'verify',
  ])('knows the command %s and helps with it', (name) => {
    const { status, stdout, stderr } = perennial('help', name);
    expect(stderr).toBe('');
    expect(status).toBe(0);
    expect(stdout).toContain(`Usage: perennial ${name}`);
  });

  it('suggests the word that was meant, with exit code 2', () => {
    const unknown = perennial('explian', 'x');
    expect(unknown.status).toBe(2);
    expect(unknown.stderr).toContain('Did you mean explain?');
    const option = perennial('run', 'churn', '--waiit');
    expect(option.status).toBe(2);
    expect(option.stderr).toContain('Did you mean --wait?');
  });

  it.each([
    ['rollout', "missing <pipeline> <version>; required option '--reason <text>' not specified", 'rollout'],
    ['rollout start flights 1', 'too many arguments: expected 2, got 3 (start, flights, 1); required option', 'rollout'],
    ['rollout flights 1 --resn x', "unknown option '--resn' (did you mean --reason?)", 'rollout'],
    ['runs list flights 5', 'too many arguments: expected 1, got 2 (flights, 5)', 'runs list'],
    ['data lst', "unknown command 'lst'", 'data'],
  ])('says all that is wrong with how it was called, and which help is about that: %s', (line, says, help) => {
    const { status, stderr } = perennial(...line.split(' '));
    expect(status).toBe(2);
    expect(stderr).toContain(says);
    expect(stderr).toContain(`(see \`perennial help ${help}\`)`);
  });

  it('says how to start the servers where none runs, with exit code 6', () => {
    const { status, stderr } = perennial('status');
    expect(status).toBe(6);
    expect(stderr).toContain('run `perennial up`');
  });

  it('gives an error as one JSON document with --json', () => {
    const { status, stdout } = perennial('status', '--json');
    expect(status).toBe(6);
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'PRN_UNREACHABLE', retryable: true, exit: 6 } });
  });

  it('plans a file without any server, with every default, and shows what is in its source', () => {
    writeFileSync(join(folder, 'pipeline.yaml'), smallest);
    writeFileSync(join(folder, 'customers.csv'), 'tenure,churned\n5,true\n7,false\n');
    const { status, stdout, stderr } = perennial('plan', '.');
    expect([status, stderr]).toEqual([0, '']);
    expect(stdout).toContain('trainer: lightgbm');
    expect(stdout).toMatch(/^ {2}tenure {3}integer {2}feature$/m);
    expect(stdout).toContain('split by chance: 20% of the rows are held out');
    expect(stdout).toContain('+ churn is new');
  });

  it('says of a timestamp that nobody declared what becomes of it', () => {
    writeFileSync(join(folder, 'timed.csv'), 'at,churned\n2024-01-03 10:00:00,true\n2024-01-04 10:00:00,false\n');
    const untimed = smallest.replace('customers', 'timed');
    writeFileSync(join(folder, 'untimed.yaml'), untimed);
    writeFileSync(join(folder, 'timed.yaml'), `${untimed}  event_time: at\n`);
    const { status, stderr } = perennial('plan', 'untimed.yaml');
    expect(status).toBe(0);
    expect(stderr).toContain('column "at" is a timestamp; without data.event_time rows are split by chance');
    const declared = perennial('plan', 'timed.yaml');
    expect([declared.status, declared.stderr]).toEqual([0, '']);
    expect(declared.stdout).toContain('split by time: the newest 20% of the rows by "at" are held out');
  });

  it('plans what cannot run as such, each mistake with its code', () => {
    const training = 'training: { trainer: lihgtgbm }\n';
    writeFileSync(join(folder, 'mistyped.yaml'), `${smallest.replace('churned', 'chruned')}${training}`);
    const mistyped = perennial('plan', 'mistyped.yaml', '--json');
    const { problems } = JSON.parse(mistyped.stdout) as { problems: { code: string; message: string }[] };
    expect(problems).toMatchObject([
      {
        code: 'PRN_DATA_COLUMN_MISSING',
        message: expect.stringContaining('column "chruned" is not there: it has "tenure"'),
      },
      { code: 'PRN_TRAINER_UNKNOWN', message: expect.stringContaining('did you mean "lightgbm"?') },
    ]);
    expect(mistyped.status).toBe(3);
    writeFileSync(join(folder, 'gone.yaml'), smallest.replace('customers', 'nowhere'));
    const gone = perennial('plan', 'gone.yaml');
    expect([gone.status, gone.stdout]).toEqual([4, expect.stringContaining('trainer: lightgbm')]);
    expect(gone.stderr).toContain('PRN_SOURCE_MISSING');
  });

  it('names file, line and column of a mistake, with exit code 2', () => {
    writeFileSync(join(folder, 'wrong.yaml'), `${smallest}trainin: {}\n`);
    const { status, stderr } = perennial('plan', 'wrong.yaml');
    expect(status).toBe(2);
    expect(stderr).toContain('wrong.yaml:5:1: unknown key "trainin"; did you mean "training"?');
  });

  it.each([
    ['what it found', ['plan', '.'], 'stdout'],
    ['an error', ['status'], 'stderr'],
  ] as const)('ends without a word, as by SIGPIPE, where nobody reads %s', async (_what, words, closed) => {
    writeFileSync(join(folder, 'pipeline.yaml'), smallest);
    const child = spawn(launcher, words, { cwd: folder, env: alone, stdio: ['ignore', 'pipe', 'pipe'] });
    child[closed].destroy();
    const other = closed === 'stdout' ? child.stderr : child.stdout;
    const [text, exit] = await Promise.all([textOf(other), new Promise((resolve) => child.on('close', resolve))]);
    expect(text).toBe('');
    expect(exit).toBe(141);
  });

  it('only says what it would delete where that is asked for, and does not take both for an answer', () => {
    expect(perennial('data', 'gc', '--dry-run').stderr).toContain('Cannot find the servers');
    const both = perennial('data', 'gc', '--dry-run', '--delete');
    expect(both.status).toBe(2);
    expect(both.stderr).toContain("option '--dry-run' cannot be used with option '--delete'");
  });

  it('works through a link on the PATH', () => {
    const link = join(folder, 'linked');
    symlinkSync(launcher, link);
    expect(spawnSync(link, ['--version'], { encoding: 'utf8' }).stdout).toBe('0.1.0\n');
  });
});
