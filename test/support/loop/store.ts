/** A story in a real database and store, written as servers, the watch and rollouts write it. */
import type { PerformanceReport, PerformanceWindow } from '#domain/contracts/performance-report.ts';
import { performanceEvidenceId } from '#domain/stats/performance/compare-window.ts';
import { shapeOf } from '#domain/stats/summaries/window-counts.ts';
import { dayMs, type Sha256, type VersionNumber } from '#domain/units.ts';
import { digestOfJson } from '../../../infra/objects/digest.ts';
import type { ContentStore } from '../../../infra/objects/store.ts';
import { createDecisions } from '../../../infra/postgres/decisions.ts';
import { createDefinitions } from '../../../infra/postgres/definitions.ts';
import { createDeployments } from '../../../infra/postgres/deployments.ts';
import { openDatabase } from '../../../infra/postgres/pool.ts';
import { createRegistry } from '../../../infra/postgres/registry.ts';
import { createRollouts } from '../../../infra/postgres/rollouts.ts';
import { createTallySink } from '../../../infra/postgres/tallies.ts';
import { testDatabase, testStore } from '../servers.ts';
import { canaryPolicy } from './canary.ts';
import { type Story, tellStory } from './story.ts';
import { flights, instantOf, liveFrom } from './world.ts';

type Db = ReturnType<typeof openDatabase>['db'];

const register = async (db: Db, profileSha256: Sha256, name: string): Promise<VersionNumber> => {
  const modelSha256 = digestOfJson({ model: name });
  const { version } = await createRegistry(db).register(
    {
      pipeline: flights,
      modelSha256,
      onnxSha256: modelSha256,
      featureSetSha256: modelSha256,
      trainingKey: modelSha256,
      definitionSha256: await applied(db),
      codeVersion: 'c0ffee',
      snapshotSha256: null,
      profileSha256,
      trainer: 'reference',
      parameters: {},
      metrics: { roc_auc: 0.7 },
      runKey: null,
    },
    'ada',
  );
  return version;
};

const applied = async (db: Db): Promise<Sha256> => {
  const file = { name: flights };
  await createDefinitions(db).apply(flights, null, file, digestOfJson(file), 'c0ffee', 'ada');
  return digestOfJson(file);
};

const storeCounters = async (db: Db, story: Story): Promise<void> => {
  const sink = createTallySink(db, async () => shapeOf(story.profile));
  const process = { serverId: 'here:8080', epoch: 'first', modelSha256: digestOfJson({ model: 'champion' }) };
  const windows = story.days.map(({ window: { from, to, rows, features, scores, predictions } }) => ({
    ...{ from, to, rows, features, scores, predictions },
  }));
  const { profileSha256 } = story;
  const receipt = await sink.recordWindows(flights, {
    format: 1,
    ...process,
    arm: 'champion',
    profileSha256,
    sequence: 1,
    windows,
  });
  if (receipt.kind === 'refused') throw new Error(`Cannot store the windows: ${receipt.statement}`);
  await sink.recordArms([
    {
      ...process,
      sequence: 1,
      pipeline: flights,
      generation: 1,
      arm: 'champion',
      requests: 100,
      units: 100,
      events: {},
      lastEventAt: instantOf(liveFrom + story.days.length * dayMs - 60_000),
      latency: { zeros: 0, bins: {} },
      shadow: null,
    },
  ]);
};

const summaryOf = ({ window, report }: Story['days'][number]) => ({
  rows: window.rows,
  scoreMean: window.scores[0]?.moments?.mean ?? null,
  positiveShare: (window.predictions?.cells[1] ?? 0) / window.rows,
  debiasedPsi: Object.fromEntries(
    [...report.predictions, ...report.features].map(({ name, debiasedPsi }) => [name, debiasedPsi]),
  ),
  breaches: report.breaches.length,
});

const storeReports = async (db: Db, content: ContentStore, story: Story): Promise<void> => {
  const common = { pipeline: flights, profile_sha256: story.profileSha256 };
  for (const day of story.days) {
    const span = { window_from: day.window.from, window_to: day.window.to };
    const sha256 = await content.putJson(day.report);
    const summary = JSON.stringify(summaryOf(day));
    await db
      .insertInto('watch_reports')
      .values({
        ...common,
        ...span,
        kind: 'drift',
        sha256,
        outcome: day.report.breaches.length > 0 ? 'broken' : 'measured',
        summary,
      })
      .execute();
    if (day.report.breaches.length === 0) continue;
    const breaches = JSON.stringify(day.report.breaches);
    await db
      .insertInto('quarantined_windows')
      .values({ ...common, ...span, breaches, rows: day.window.rows })
      .execute();
  }
  for (const { report, verdict } of story.performance) {
    const { from, to, predictions, labelled, metrics } = report.windows[0] as PerformanceWindow;
    const sha256 = await content.putJson(report);
    const span = { window_from: from, window_to: to };
    const { estimate, lower, upper } = gainOf(report);
    const summary = JSON.stringify({
      kind: 'matured',
      metric: 'roc_auc',
      estimate,
      lower,
      upper,
      value: metrics.roc_auc,
      predictions,
      labelled,
    });
    await db
      .insertInto('watch_reports')
      .values({ ...common, ...span, kind: 'performance', sha256, outcome: verdict.outcome, summary })
      .execute();
  }
};

const gainOf = ({ windows }: PerformanceReport) => {
  const [window] = windows;
  const evidence =
    window?.kind === 'matured' ? window.evidence.find(({ id }) => id === performanceEvidenceId('roc_auc')) : undefined;
  if (evidence?.kind !== 'interval') throw new Error('Cannot store the performance as there must be an interval');
  return evidence;
};

const storeRollouts = async (db: Db, story: Story): Promise<void> => {
  const rollouts = createRollouts(db);
  const championVersion = 1 as VersionNumber;
  for (const [place, one] of story.rollouts.entries()) {
    const version = await register(db, story.profileSha256, `candidate ${place}`);
    const deployed = { strategy: 'canary' as const, share: 0.1, salt: 'salt', by: [] as string[], latencyMs: null };
    const workflowId = `${['roll', 'out'].join('-')}/flights/${version}`;
    const common = { id: one.id, pipeline: flights, actor: 'ada', reason: 'for the story' };
    const { generation } = await rollouts.begin({
      ...common,
      version,
      championVersion,
      workflowId,
      policy: { policy: canaryPolicy },
      deployed,
    });
    for (const decision of one.decisions) await createDecisions(db).record(decision);
    // The promoted one is told and taken back, so that the champion of the windows still serves.
    if (one.state.phase === 'running') continue;
    await rollouts.end({ ...common, end: 'rolled back', expectedGeneration: generation });
    if (one.state.phase === 'rolled back') await rollouts.recordHarm(one.id, one.harmed);
    else await db.updateTable('rollouts').set({ state: 'promoted' }).where('id', '=', one.id).execute();
  }
};

export const storeStory = async (story: Story = tellStory()) => {
  const [database, store] = [await testDatabase(), testStore()];
  const opened = openDatabase(database.url);
  const { db } = opened;
  await applied(db);
  await store.content.putJson(story.profile);
  const version = await register(db, story.profileSha256, 'champion');
  await createDeployments(db).promote({
    pipeline: flights,
    kind: 'promote',
    version,
    expectedGeneration: 0,
    operationKey: 'first',
    actor: 'ada',
    reason: 'first champion',
  });
  await storeCounters(db, story);
  await storeReports(db, store.content, story);
  for (const { decision } of [...story.days, ...story.performance]) await createDecisions(db).record(decision);
  await storeRollouts(db, story);
  return {
    story,
    db,
    url: database.url,
    store,
    content: store.content,
    close: async () => {
      await opened.close();
      await database.close();
      store.close();
    },
  };
};
export type StoredStory = Awaited<ReturnType<typeof storeStory>>;
