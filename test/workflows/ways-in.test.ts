/** The commands that start, pause and delete, as programs, on real workers: what CI and operators do, twice and at once. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type { PipelineName } from '#domain/units.ts';
import { type WatchStatus, watchStatusQuery } from '../../workflows/messages.ts';
import { scheduleId, watchDriftWorkflowId } from '../../workflows/names.ts';
import { post } from '../serving/support/http.ts';
import { alertmanagerBody, bearer } from '../serving/support/webhook-senders.ts';
import { describeWithServers, testDatabase } from '../support/servers.ts';
import { type CommandLine, launcher, openCommandLine } from './command-line.ts';
import { writePipeline } from './real.ts';

/** Processes start, and models are trained; a machine that is busy with other things takes its time. */
const patienceMs = 150_000;
vi.setConfig({ testTimeout: 2 * patienceMs });

describeWithServers('the command', () => {
  let database: Awaited<ReturnType<typeof testDatabase>>;
  let line: CommandLine;
  let { world, place, folder, perennial } = {} as CommandLine;

  beforeAll(async () => {
    database = await testDatabase();
    line = await openCommandLine(database.url);
    ({ world, place, folder, perennial } = line);
  }, 120_000);
  afterAll(async () => {
    await line?.close();
    await database?.close();
  });

  const start = (...words: string[]) => {
    const started = line.start(...words);
    const heard = (pattern: RegExp): Promise<void> =>
      expect.poll(() => started.said('stderr'), { timeout: patienceMs }).toMatch(pattern) as unknown as Promise<void>;
    return { ...started, heard };
  };

  const scheduleIn = (home: string, cron: string | null): void => {
    const file = join(home, 'pipeline.yaml');
    const plain = readFileSync(file, 'utf8').replace(/\nretrain:\n.*\n/, '\n');
    writeFileSync(file, cron === null ? plain : `${plain.trimEnd()}\nretrain:\n  schedule: "${cron}"\n`);
  };
  const schedule = (name: string) => world.client.schedule.getHandle(scheduleId(name as PipelineName)).describe();
  const watch = (name: string) => world.client.workflow.getHandle(watchDriftWorkflowId(name as PipelineName));
  const watchStatus = (name: string): Promise<WatchStatus> => watch(name).query(watchStatusQuery);
  const runsOf = (pipeline: string) => place.context.runs.list({ pipeline: pipeline as PipelineName, limit: 50 });

  /** Runs wait for a worker that trains while `work` goes on. */
  const withoutTraining = async (work: () => Promise<void>): Promise<void> => {
    await world.stopGpuWorker();
    try {
      await work();
    } finally {
      await world.startGpuWorker();
    }
  };

  test('run --wait twice at once is one run, and both exit with its verdict; so does a third, later', async () => {
    const home = writePipeline(folder, 'twice', 600);
    const both = await Promise.all([perennial('run', home, '--wait', '--json'), perennial('run', home, '--wait', '--json')]);
    for (const one of both) expect([one.exit, one.stderr]).toEqual([0, expect.any(String)]);
    const said = both.map(({ stdout }) => JSON.parse(stdout) as { verdict: string; runKey: string; attached: boolean });
    expect(said.map(({ verdict }) => verdict)).toEqual(['promoted', 'promoted']);
    expect(new Set(said.map(({ runKey }) => runKey)).size).toBe(1);
    expect(said.filter(({ attached }) => !attached)).toHaveLength(1);
    const third = await perennial('run', home, '--wait', '--json');
    expect([third.exit, JSON.parse(third.stdout)]).toEqual([0, { ...said[0], attached: true }]);
    expect(third.stderr).toContain('ended before:');
    expect(await runsOf('twice')).toHaveLength(1);
    expect((await place.context.deployments.get('twice' as PipelineName)).generation).toBe(1);
  });

  test('run --wait exits with 3 where the candidate was rejected, each time it is asked', async () => {
    const home = writePipeline(folder, 'refused', 600);
    for (let turn = 0; turn < 2; turn += 1) {
      const { exit, stdout } = await perennial('run', home, '--wait', '--set', 'gate.minimum.roc_auc=0.999');
      expect([exit, stdout]).toEqual([3, expect.stringContaining('rejected')]);
    }
    expect(await runsOf('refused')).toHaveLength(1);
    expect((await place.context.deployments.get('refused' as PipelineName)).champion).toBeNull();
  });

  test('run --wait detaches on Ctrl-C; the run goes on and the same command attaches to it', async () => {
    const home = writePipeline(folder, 'detached', 600);
    let again: ReturnType<typeof start> | null = null;
    await withoutTraining(async () => {
      const waiting = start('run', home, '--wait');
      await waiting.heard(/started retrain\/detached/);
      await waiting.heard(/features/);
      waiting.child.kill('SIGINT');
      expect(await waiting.ended).toMatchObject({ exit: 130, stderr: expect.stringContaining('detached:') });
      again = start('run', home, '--wait', '--json');
      await again.heard(/attached to retrain\/detached/);
    });
    const attached = again as ReturnType<typeof start> | null;
    expect(await attached?.ended).toMatchObject({ exit: 0 });
    expect(await runsOf('detached')).toHaveLength(1);
  });

  test('run warns of a timestamp that is no event time before it starts; an interrupt that follows detaches', async () => {
    const home = writePipeline(folder, 'dated', 600);
    const [rows, file] = [join(home, 'customers.csv'), join(home, 'pipeline.yaml')];
    const dated = readFileSync(rows, 'utf8').trimEnd().split('\n');
    writeFileSync(rows, dated.map((row, at) => `${row},${at === 0 ? 'joined' : '2024-01-01T00:00:00Z'}\n`).join(''));
    const joined = readFileSync(file, 'utf8').replace(/\n( +)churned:/, '\n$1joined: { type: timestamp }$&');
    writeFileSync(file, joined);
    const warning = /warning column "joined" is a timestamp; without data\.event_time .*\n/;
    await withoutTraining(async () => {
      const waiting = start('run', home, '--wait', '--json');
      await waiting.heard(warning);
      waiting.child.kill('SIGINT');
      const { exit, stdout, stderr } = await waiting.ended;
      expect([exit, stdout, stderr.search(warning)]).toEqual([130, '', 0]);
      expect(stderr).toMatch(/started retrain\/dated[^]*detached:/);
      const second = await perennial('run', home, '--json');
      expect([second.exit, second.stderr.search(warning)]).toEqual([0, 0]);
      expect(JSON.parse(second.stdout)).toMatchObject({ attached: true });
    });
    expect((await perennial('run', home, '--wait')).exit).toBe(0);
    const ended = await perennial('run', home, '--wait');
    expect([ended.exit, ended.stderr]).toEqual([0, expect.not.stringMatching(warning)]);
    writeFileSync(file, joined.replace('  key: customer_id\n', '$&  event_time: joined\n'));
    expect((await perennial('run', home, '--force', 'timed')).stderr).not.toMatch(warning);
  });

  test('run that is interrupted while it looks for such a timestamp has started nothing, and leaves nothing behind', async () => {
    const home = join(folder, 'hasty');
    mkdirSync(join(home, 'rows'), { recursive: true });
    const row = (at: number): string => `${at},2024-01-01T00:00:00Z,${at % 2 === 0}\n`;
    const rows = `id,joined,churned\n${Array.from({ length: 80_000 }, (_, at) => row(at)).join('')}`;
    // So many that a look at them takes seconds.
    for (let part = 0; part < 10; part += 1) writeFileSync(join(home, 'rows', `${part}.csv`), rows);
    const data = '{ source: { type: csv, path: rows }, key: id, label: churned }';
    writeFileSync(join(home, 'pipeline.yaml'), `name: hasty\ndata: ${data}\ntraining: { trainer: reference }\n`);
    const scratch = () => readdirSync(folder).filter((name) => name.startsWith('perennial-data-'));
    const hasty = start('run', home, '--wait');
    await expect.poll(scratch, { timeout: patienceMs, interval: 5 }).toHaveLength(1);
    hasty.child.kill('SIGINT');
    expect(await hasty.ended).toEqual({ exit: 130, stdout: '', stderr: 'no run of hasty was started\n' });
    expect([scratch(), await runsOf('hasty')]).toEqual([[], []]);
  });

  test('run --cancel-on-interrupt cancels the run that it started, and no run that it only attached to', async () => {
    const home = writePipeline(folder, 'own', 600);
    await withoutTraining(async () => {
      const own = start('run', home, '--wait', '--cancel-on-interrupt');
      await own.heard(/started retrain\/own/);
      const guest = start('run', home, '--wait', '--cancel-on-interrupt');
      await guest.heard(/attached to retrain\/own/);
      guest.child.kill('SIGTERM');
      expect(await guest.ended).toMatchObject({ exit: 143, stderr: expect.stringContaining('goes on') });
      await expect.poll(() => runsOf('own')).toMatchObject([{ outcome: null }]);
      own.child.kill('SIGINT');
      expect(await own.ended).toMatchObject({ exit: 130, stderr: expect.stringContaining('asked retrain/own/') });
      const workflowId = (await runsOf('own'))[0]?.workflowId ?? '';
      await expect
        .poll(async () => (await world.client.workflow.getHandle(workflowId).describe()).status.name, { timeout: patienceMs })
        .not.toBe('RUNNING');
    });
  });

  test('apply creates, keeps, changes and deletes the schedule, starts the watch once, and refuses what is no schedule', async () => {
    const home = writePipeline(folder, 'timed', 600);
    scheduleIn(home, '0 3 * * 1');
    expect((await perennial('plan', home)).stdout).toMatch(/schedule 0 3 \* \* 1: next \d{4}-\d\d-\d\d 03:00, .* and .* UTC/);
    expect((await perennial('apply', home)).stdout).toContain('schedule created');
    expect((await perennial('apply', home)).stdout).toMatch(/\(unchanged\)\n$/);
    const first = (await watch('timed').describe()).runId;
    scheduleIn(home, '@daily');
    expect((await perennial('apply', home)).stdout).toContain('schedule changed');
    expect((await schedule('timed')).info.nextActionTimes[0]?.getUTCHours()).toBe(0);
    expect((await watch('timed').describe()).runId).toBe(first);
    scheduleIn(home, '0 25 * * *');
    const wrong = await perennial('apply', home);
    expect([wrong.exit, wrong.stderr]).toEqual([2, expect.stringMatching(/pipeline\.yaml:\d+:\d+: "retrain\.schedule" must be/)]);
    expect(wrong.stderr).toContain('"25" is no hour');
    scheduleIn(home, null);
    expect((await perennial('apply', home)).stdout).toContain('schedule deleted');
    await expect(schedule('timed')).rejects.toThrow(/not found/i);
    expect((await watchStatus('timed')).phase).toBe('no champion');
  });

  test('pause lets nothing retrain by itself, whoever asks at once; what serves goes on, a person may run, resume ends it', async () => {
    const home = writePipeline(folder, 'resting', 600);
    scheduleIn(home, '@hourly');
    expect((await perennial('run', home, '--wait')).exit).toBe(0);
    const before = await place.context.deployments.get('resting' as PipelineName);
    const paused = await Promise.all([
      perennial('pause', 'resting', '--reason', 'holidays'),
      perennial('pause', 'resting', '--reason', 'holidays', '--json'),
    ]);
    expect(paused.map(({ exit }) => exit)).toEqual([0, 0]);
    expect((await schedule('resting')).state).toMatchObject({ paused: true, note: 'paused by ada: holidays' });
    expect((await watchStatus('resting')).phase).toBe('snoozed');
    expect(await place.context.deployments.get('resting' as PipelineName)).toEqual(before);
    expect((await perennial('apply', home)).exit).toBe(0);
    expect((await schedule('resting')).state.paused).toBe(true);
    const meant = await perennial('run', 'resting', '--wait', '--set', 'gate.minimum.roc_auc=0.999');
    expect(meant.stderr).toContain('resting is paused by ada (holidays)');
    expect(meant.exit).toBe(3);
    expect((await perennial('resume', 'resting', '--reason', 'back')).stdout).toContain('resumed');
    expect((await schedule('resting')).state.paused).toBe(false);
    expect((await watchStatus('resting')).phase).not.toBe('snoozed');
    const twice = await perennial('resume', 'resting', '--reason', 'back');
    expect([twice.exit, twice.stderr]).toEqual([5, expect.stringContaining('it is not paused')]);
  });

  test('webhooks reach the real watch: ten copies of an alert, and its repetition, are one, and are decided upon', async () => {
    const home = writePipeline(folder, 'alarmed', 600);
    expect((await perennial('run', home, '--wait')).exit).toBe(0);
    const token = 'a-token-of-tests-0123456789';
    const control = spawn(launcher, ['control'], {
      env: { ...line.environment, PERENNIAL_WEBHOOK_TOKENS: token, PERENNIAL_CONTROL_PORT: '0' },
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    });
    line.onClose(() => control.kill('SIGKILL'));
    const [{ url }] = (await once(control, 'message')) as [{ url: string }];
    const send = (value: string) => {
      const body = alertmanagerBody([{ name: 'drift', startsAt: '2026-02-01T10:00:00Z' }], { value });
      return post(`${url}/webhooks/alertmanager/alarmed`, body, bearer(token));
    };
    const answers = await Promise.all(Array.from({ length: 10 }, () => send('0.3')));
    expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 10 }, () => 202));
    expect((await send('0.4')).body.repeated).toBe(true);
    await expect.poll(async () => (await watchStatus('alarmed')).alertsSeen, { timeout: patienceMs }).toBe(1);
    await expect
      .poll(async () => (await watchStatus('alarmed')).lastDecision, { timeout: patienceMs, interval: 500 })
      .not.toBeNull();
    expect((await watchStatus('alarmed')).alertsSeen).toBe(1);
    control.kill('SIGTERM');
  });

  test('delete waits for runs, takes the pipeline out of service and keeps its history; apply brings it back', async () => {
    const home = writePipeline(folder, 'leaving', 600);
    scheduleIn(home, '@hourly');
    expect((await perennial('run', home, '--wait')).exit).toBe(0);
    expect((await perennial('delete', 'leaving', '--reason', 'old')).exit).toBe(2);
    let busy: ReturnType<typeof start> | null = null;
    await withoutTraining(async () => {
      busy = start('run', 'leaving', '--wait', '--force', 'busy');
      await busy.heard(/features/);
      const refused = await perennial('delete', 'leaving', '--yes', '--reason', 'old');
      expect([refused.exit, refused.stderr]).toEqual([5, expect.stringContaining('goes on')]);
      expect((await place.context.deployments.get('leaving' as PipelineName)).champion).not.toBeNull();
    });
    await (busy as ReturnType<typeof start> | null)?.ended;
    const [one, two] = await Promise.all([
      perennial('delete', 'leaving', '--yes', '--reason', 'old'),
      perennial('delete', 'leaving', '--yes', '--reason', 'old'),
    ]);
    expect([one, two]).toMatchObject([{ exit: 0 }, { exit: 0 }]);
    expect((await perennial('delete', 'leaving', '--yes', '--reason', 'old')).stdout).toContain('was deleted already');
    expect((await place.context.deployments.get('leaving' as PipelineName)).champion).toBeNull();
    await expect(schedule('leaving')).rejects.toThrow(/not found/i);
    expect((await watch('leaving').describe()).status.name).toBe('COMPLETED');
    expect((await runsOf('leaving')).length).toBe(2);
    expect((await perennial('run', 'leaving')).exit).toBe(4);
    const audit = (await place.context.audit.list({ subject: 'leaving', limit: 50 })).map(({ action }) => action);
    expect(audit.filter((action) => action === 'pipeline deleted')).toHaveLength(1);
    expect((await perennial('apply', home)).stdout).toContain('schedule created');
    expect((await watch('leaving').describe()).status.name).toBe('RUNNING');
    expect((await perennial('run', 'leaving', '--wait', '--force', 'back')).exit).toBe(0);
  });
});
