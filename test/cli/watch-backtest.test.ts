/** `perennial watch backtest` on a history in a real database and store. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { DecisionRecord } from '#domain/contracts/decision.ts';
import type { DriftReport, VariableDrift } from '#domain/contracts/drift-report.ts';
import type { ObservedVariable } from '#domain/contracts/drift-state.ts';
import type { WatchWindow } from '#domain/contracts/watch.ts';
import type { DraftDecision } from '#domain/decide/watch/judge-window.ts';
import { loadConfig } from '../../infra/config.ts';
import { digestOfJson } from '../../infra/objects/digest.ts';
import { createDecisions } from '../../infra/postgres/decisions.ts';
import { createDefinitions } from '../../infra/postgres/definitions.ts';
import { type Context, contextOf } from '../../workers/cli/context.ts';
import { backtestWatch } from '../../workers/cli/watch/backtest.ts';
import { tellBacktest } from '../../workers/cli/watch/tell-backtest.ts';
import { beginStory, live } from '../domain/decide/watch/story.ts';
import { describeWithServers, testDatabase, testStore } from '../support/servers.ts';
import { dayAt, windowOf } from '../workflows/pretend-watch.ts';

const file = { name: 'churn', data: { source: 'customers.csv', label: 'churned' }, retrain: { cooldown: '1d' } };

const variableOf = ({ evidenceId: _id, measured, ...one }: ObservedVariable): VariableDrift => ({
  ...one,
  rows: 1000,
  referenceRows: 10_000,
  fewestRows: 100,
  sufficient: measured !== null,
  designEffect: 1,
  psi: measured?.debiasedPsi ?? null,
  noiseFloor: 0,
  debiasedPsi: measured?.debiasedPsi ?? null,
  psiUpperLimit: measured?.psiUpperLimit ?? null,
  pValue: measured?.adjustedPValue ?? null,
  adjustedPValue: measured?.adjustedPValue ?? null,
  evidence: [],
});

const reportOf = ({ observation, rows }: WatchWindow): DriftReport => ({
  format: 1,
  pipeline: 'churn' as never,
  profileSha256: observation.profileSha256,
  from: observation.from,
  to: observation.to,
  rows,
  comparator: 'whole reference',
  correction: 'benjamini-hochberg',
  features: observation.features.map(variableOf),
  predictions: observation.predictions.map(variableOf),
  breaches: [],
  warnings: [],
});

describeWithServers('perennial watch backtest', () => {
  const closing: (() => unknown)[] = [];
  let context: Context;

  const keep = async (rows: readonly DraftDecision[], life: string): Promise<void> => {
    for (const [at, row] of rows.entries()) {
      const record = { format: 1, key: `${life}/${at}`, pipeline: 'churn', at: dayAt(at / 10), ...row } as DecisionRecord;
      await createDecisions(context.database.db).record(record);
    }
  };

  beforeAll(async () => {
    const [database, store] = [await testDatabase(), testStore()];
    const nowhere = { temporalAddress: '', temporalNamespace: '', temporalUiUrl: null, serveUrl: '', controlUrl: '' };
    context = contextOf(loadConfig({ PERENNIAL_STATE_DIR: '/nowhere', PERENNIAL_ACTOR: 'ada' }), {
      ...nowhere,
      databaseUrl: database.url,
      store: store.config,
    });
    closing.push(database.close, store.close, context.close);
    await createDefinitions(context.database.db).apply('churn' as never, null, file, digestOfJson(file), 'c0ffee', 'ada');
    const windows: WatchWindow[] = [];
    for (let day = 0; day < 12; day += 1) {
      const window = windowOf(day, day < 3 ? 0.01 : 0.3);
      windows.push({ ...window, reportSha256: await context.content.putJson(reportOf(window)) });
    }
    let state = beginStory({ cooldown: '1d' });
    const rows = windows.flatMap((window, day) => {
      const judged = live(state, [
        [{ kind: 'window', window }, { dataTime: dayAt(day + 1) }],
        [{ kind: 'look' }, { dataTime: dayAt(day + 1.2) }],
      ]);
      const run = {
        runKey: '0123456789abcdef' as never,
        outcome: 'rejected' as const,
        reason: 'it lost',
        endedAt: dayAt(day + 1.5),
      };
      const ended =
        judged.state.retrain?.running == null
          ? null
          : live(judged.state, [[{ kind: 'ended', run }, { dataTime: dayAt(day + 1.5) }]]);
      state = ended?.state ?? judged.state;
      return [...judged.rows, ...(ended?.rows ?? [])];
    });
    await keep(rows, 'one');
    // The watch was ended and began again: another life, with a beginning of its own.
    await keep(
      live(beginStory({ cooldown: '1d' }), [[{ kind: 'window', window: windows[0] as WatchWindow }, { dataTime: dayAt(20) }]])
        .rows,
      'two',
    );
  }, 60_000);
  afterAll(async () => {
    for (const close of closing.reverse()) await close();
  });

  test('makes every decision again, byte for byte', async () => {
    const found = await backtestWatch(context, 'churn', []);
    expect(found).toMatchObject({ changed: false, differing: 0 });
    expect(found.decisions).toBeGreaterThan(12);
    expect(found.runs.made).toBeGreaterThan(1);
    expect(found.runs.would).toBe(found.runs.made);
    expect(tellBacktest(found)).toContain('all are what was recorded');
  });

  test('shows which runs other rules would have made', async () => {
    const patient = await backtestWatch(context, 'churn', ['retrain.cooldown=60d']);
    expect(patient.runs.would).toBe(1);
    expect(patient.runs.made).toBeGreaterThan(1);
    expect(patient.lines.filter(({ made }) => made === 'retrain')).toHaveLength(patient.runs.made);
    expect(tellBacktest(patient)).toContain(`${patient.runs.made} runs made, 1 by these rules`);
    const blind = await backtestWatch(context, 'churn', ['watch.levels.drift=5', 'watch.levels.warn=4']);
    expect(blind.runs.would).toBe(0);
  });

  test.each([
    'watch.levels.drift=5',
    'watch.levels={ warn: 4, drift: 5 }',
    'retrain.on=[performance]',
    'retrain.max_age=1h',
    'retrain.cooldown=60d',
    'retrain.budget.runs=1',
    'retrain.budget={ runs: 1, per: 60d }',
    'retrain.new_labels.rare_rows=1',
  ])('takes %s', async (override) => {
    expect((await backtestWatch(context, 'churn', [override])).changed).toBe(true);
  });

  test.each([
    'gate.metric=brier',
    'watch.every=2h',
    'watch.critical=[tenure]',
    'watch.performance.drop=5%',
    "retrain.schedule='@daily'",
    'retrain.worth={ predictions_per_day: 1, value_per_error: 1, cost_per_run: 1 }',
    'retrain={ cooldown: 60d }',
  ])('refuses %s, which would change nothing that was decided', async (override) => {
    const beside = ['retrain.cooldown=60d', override];
    await expect(backtestWatch(context, 'churn', beside)).rejects.toMatchObject({
      code: 'PRN_USAGE',
      message: `Cannot test "${override}" as a backtest can change only watch.levels, retrain.on, retrain.max_age, retrain.cooldown, retrain.budget and retrain.new_labels: what was measured, and how runs ended, stays as it is`,
    });
  });

  test('refuses what is no rule, and a pipeline that is not there', async () => {
    await expect(backtestWatch(context, 'churn', ['retrain.cooldwon=1h'])).rejects.toMatchObject({ code: 'PRN_SPEC_INVALID' });
    await expect(backtestWatch(context, 'chrun', [])).rejects.toMatchObject({ code: 'PRN_NOT_FOUND' });
  });
});
