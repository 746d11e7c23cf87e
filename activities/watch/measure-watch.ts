/** One look of a watch: how far the data have come, which windows closed, what labels say, which runs ended. */
import type { ModelVersion } from '#domain/contracts/model-version.ts';
import type { PipelineSpec } from '#domain/contracts/pipeline-spec/pipeline-spec.ts';
import { referenceProfileSchema } from '#domain/contracts/reference-profile.ts';
import type { EndedRun, WatchedModel, WatchMeasurement, WatchWindow } from '#domain/contracts/watch.ts';
import { judgedOf } from '#domain/decide/watch/watch-state.ts';
import { PerennialError } from '#domain/errors.ts';
import { type WindowSpan, windowsToMeasure } from '#domain/stats/drift/windows-to-measure.ts';
import type { Instant, RunKey, Sha256 } from '#domain/units.ts';
import { digestOfJson } from '../../infra/objects/digest.ts';
import { type DataClock, readDataClock, toCounted } from '../../infra/postgres/data-clock.ts';
import { parseStoredDefinition } from '../../infra/schemas/stored-definition.ts';
import { rollOutWorkflowId } from '../../workflows/names.ts';
import type { MeasureWatchInput } from '../../workflows/watch-steps.ts';
import type { StepContext } from '../step-context.ts';
import { awaitCounters } from './await-counters.ts';
import { findSkew, type MeasureSkew } from './find-skew.ts';
import { measureWindow } from './measure-drift.ts';
import { type MeasurePerformance, measureLabels } from './measure-labels.ts';
import type { MeasureDeps, Served } from './served.ts';

const instantOf = (ms: number): Instant => new Date(ms).toISOString() as Instant;

const readSpec = async ({ definitions }: MeasureDeps, input: MeasureWatchInput): Promise<PipelineSpec> => {
  const found = await definitions.find(input.definitionSha256);
  if (found !== null) return parseStoredDefinition(found.file, `watch "${input.pipeline}"`);
  throw new PerennialError(
    'PRN_DEFINITION_UNKNOWN',
    `Cannot watch "${input.pipeline}" as its definition must have been applied: "${input.definitionSha256}" is unknown`,
  );
};

/** Where the data of a version end; its registration where they have no time, or nobody froze them here. */
const trainedUntil = async ({ snapshots }: MeasureDeps, version: ModelVersion): Promise<Instant> => {
  const known = await snapshots.list(version.pipeline);
  return known.find(({ sha256 }) => sha256 === version.snapshotSha256)?.lastEventAt ?? version.createdAt;
};

const findServed = async (deps: MeasureDeps, { pipeline }: MeasureWatchInput): Promise<Served | null> => {
  const { champion } = await deps.deployments.get(pipeline);
  if (champion === null) return null;
  const version = await deps.registry.get(pipeline, champion.version);
  if (version === null) return null;
  const { profileSha256 } = champion;
  const profile = profileSha256 === null ? null : referenceProfileSchema.parse(await deps.content.getJson(profileSha256));
  return { version, profileSha256, profile, trainedAt: await trainedUntil(deps, version) };
};

type Clocks = Omit<DataClock, 'dataMs'> & { readonly dataTime: Instant | null };

/** Further back than so many windows nothing is looked for again: rows that come as late change no decided window. */
const windowsBack = 40;

const sinceOf = ({ cursor }: MeasureWatchInput, windowMs: number): Instant | null =>
  cursor.judgedUntil === null ? null : instantOf(Date.parse(cursor.judgedUntil) - windowsBack * windowMs);

const readClocks = async ({ watch }: MeasureDeps, input: MeasureWatchInput, windowMs: number): Promise<Clocks> => {
  const { dataMs, ...clock } = await readDataClock(watch.evidence, input.pipeline, sinceOf(input, windowMs));
  const newest = dataMs === null ? null : instantOf(dataMs);
  // It never runs backwards: what was judged as past is past.
  const isOlder = newest === null || (input.dataTime !== null && newest < input.dataTime);
  return { ...clock, dataTime: isOlder ? input.dataTime : newest };
};

/** Observations travel through a history: so many variables, all windows of a look together, are some 200 KB. */
const variablesAtOnce = 1_000;
const mostWindows = 8;

/** Who has told of the last window has told of those before it. */
const awaitLast = async (
  { watch }: MeasureDeps,
  { pipeline }: MeasureWatchInput,
  last: WindowSpan | undefined,
  { wallMs }: Clocks,
  context: StepContext,
): Promise<void> => {
  if (last === undefined) return;
  await awaitCounters(watch.evidence, { pipeline, end: instantOf(last.toMs), since: instantOf(wallMs) }, context);
};

const measureWindows = async (
  deps: MeasureDeps,
  input: MeasureWatchInput,
  spec: PipelineSpec,
  served: Served | null,
  clocks: Clocks,
  context: StepContext,
): Promise<{ windows: WatchWindow[]; more: boolean }> => {
  if (served?.profile == null || served.profileSha256 === null || clocks.dataTime === null) return { windows: [], more: false };
  const { profile, profileSha256 } = served;
  const { judgedUntil } = judgedOf(input.cursor, profileSha256);
  const { windows: all } = clocks;
  const due = windowsToMeasure({
    windowMs: profile.season.windowMs,
    latenessMs: spec.watch.lateness,
    dataTimeMs: Date.parse(clocks.dataTime),
    judgedUntilMs: judgedUntil === null ? null : Date.parse(judgedUntil),
    own: clocks.rows.filter((one) => one.profileSha256 === profileSha256).map(toCounted),
    all,
    wallMs: clocks.wallMs,
    most: Math.max(1, Math.min(mostWindows, Math.floor(variablesAtOnce / (profile.features.length + 2)))),
  });
  await awaitLast(deps, input, due.windows.at(-1), clocks, context);
  const windows: WatchWindow[] = [];
  for (const { fromMs, toMs } of due.windows) {
    context.heartbeat({ window: instantOf(fromMs) });
    windows.push(
      await measureWindow(deps, {
        pipeline: input.pipeline,
        profile,
        profileSha256,
        from: instantOf(fromMs),
        to: instantOf(toMs),
        warnLevel: spec.watch.levels.warn,
        allRows: all.find((one) => one.fromMs === fromMs)?.rows ?? 0,
      }),
    );
  }
  return { windows, more: due.more };
};

const recordedEnd = async ({ watch }: MeasureDeps, runKey: RunKey): Promise<EndedRun | null> => {
  const found = await watch.findRun(runKey);
  if (found?.outcome == null || found.endedAt === null) return null;
  return { runKey, outcome: found.outcome, reason: found.result?.reason ?? '', endedAt: found.endedAt };
};

const isAfter = ({ endedAt, runKey }: EndedRun, { runsAfter }: MeasureWatchInput['cursor']): boolean =>
  endedAt > runsAfter.endedAt || (endedAt === runsAfter.endedAt && runKey > runsAfter.runKey);

/**
 * How the run ended that the watch waits for. One that is gone from Temporal without a word has failed. One that failed, was
 * heard and runs again under its key has that old end on record until its first step has begun: it is told no second time.
 * `now` is the database's, as all ends are dated by it.
 */
const endOfOwn = async (deps: MeasureDeps, { run, cursor }: MeasureWatchInput, now: Instant): Promise<EndedRun | null> => {
  if (run === null) return null;
  const { runKey, workflowId } = run;
  const ended = await recordedEnd(deps, runKey);
  if (ended !== null && isAfter(ended, cursor)) return ended;
  if (await deps.watch.temporal.isOpen(workflowId)) return null;
  const reason = 'The run is gone from Temporal, and its end was not recorded';
  // It may have ended between the two questions.
  return (await recordedEnd(deps, runKey)) ?? { runKey, outcome: 'failed', reason, endedAt: now };
};

/** No run, and yet in the way of one: its candidate could not be rolled out beside it. Named by a key of its own. */
const rolloutByHand = async ({ deployments, watch }: MeasureDeps, { pipeline }: MeasureWatchInput): Promise<RunKey[]> => {
  const { rollout } = await deployments.get(pipeline);
  if (rollout === null) return [];
  const isOpen = await watch.temporal.isOpen(rollOutWorkflowId(pipeline, rollout.candidate.version));
  return isOpen ? [digestOfJson(rollout.id).slice(0, 16) as RunKey] : [];
};

const findRuns = async (deps: MeasureDeps, input: MeasureWatchInput, now: Instant) => {
  const { pipeline, cursor } = input;
  const { evidence, temporal } = deps.watch;
  const [own, others, running] = await Promise.all([
    endOfOwn(deps, input, now),
    evidence.endedAfter(pipeline, cursor.runsAfter),
    evidence.running(pipeline),
  ]);
  const open = await Promise.all(running.map(async (one) => ((await temporal.isOpen(one.workflowId)) ? one.runKey : null)));
  const ended = [...(own === null ? [] : [own]), ...others.filter(({ runKey }) => runKey !== own?.runKey)];
  ended.sort((left, right) => (left.endedAt < right.endedAt ? -1 : 1));
  const runs = open.filter((key): key is RunKey => key !== null);
  // A rollout of a run is that run's.
  return { ended, otherRuns: runs.length > 0 ? runs : await rolloutByHand(deps, input) };
};

const modelOf = ({ version, profileSha256, profile }: Served): WatchedModel => ({
  version: version.version,
  modelSha256: version.modelSha256,
  profileSha256,
  features: profile?.features.length ?? 0,
  predictions: profile === null ? 0 : profile.scores.length + (profile.predictions === null ? 0 : 1),
});

/** The newest windows that were judged, this look included, are what data quality goes by: of traffic, and of labels. */
const countBreaches = async (
  { watch }: MeasureDeps,
  { pipeline, cursor }: MeasureWatchInput,
  profileSha256: Sha256 | null,
  found: Pick<WatchMeasurement, 'windows' | 'performance'>,
): Promise<number> => {
  const before = cursor.profileSha256 === profileSha256 ? cursor : { judgedUntil: null, maturedUntil: null };
  const judged = found.windows.at(-1)?.observation.to ?? before.judgedUntil;
  const matured = found.performance?.windows.at(-1)?.to ?? before.maturedUntil;
  const ends = [...new Set([judged, matured])].filter((to) => to !== null);
  if (profileSha256 === null) return 0;
  const counts = await Promise.all(ends.map((to) => watch.quarantine.openBreaches({ pipeline, profileSha256, to })));
  return counts.reduce((sum, one) => sum + one, 0);
};

/** What reads predictions, and takes memory. */
export type HeavyMeasures = { readonly measurePerformance: MeasurePerformance; readonly measureSkew: MeasureSkew };

export const createMeasureWatch =
  (deps: MeasureDeps, { measurePerformance, measureSkew }: HeavyMeasures) =>
  async (input: MeasureWatchInput, context: StepContext): Promise<WatchMeasurement> => {
    const [spec, served] = await Promise.all([readSpec(deps, input), findServed(deps, input)]);
    const clocks = await readClocks(deps, input, served?.profile?.season.windowMs ?? spec.watch.window);
    const { windows, more } = await measureWindows(deps, input, spec, served, clocks, context);
    const { performance, problem } = await measureLabels(deps, measurePerformance, input, spec, served, clocks.dataTime, context);
    const skew = await findSkew(deps, measureSkew, served, windows, context);
    const openBreaches = await countBreaches(deps, input, served?.profileSha256 ?? null, { windows, performance });
    const runs = await findRuns(deps, input, instantOf(clocks.wallMs));
    await deps.watch.looks.looked(input.pipeline, spec.watch.every);
    return {
      dataTime: clocks.dataTime,
      model: served === null ? null : modelOf(served),
      trainedAt: served?.trainedAt ?? null,
      windows,
      more,
      performance,
      openBreaches,
      skew,
      ...(problem !== null && { problem }),
      paused: await deps.watch.evidence.paused(input.pipeline),
      ...runs,
    };
  };
