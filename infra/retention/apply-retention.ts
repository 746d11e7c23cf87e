/** `retention` of the pipeline file, for all pipelines: what has outlived it goes. */
import type { PipelineSpec } from '#domain/contracts/pipeline-spec/pipeline-spec.ts';
import { chooseSnapshots } from '#domain/decide/retention/choose-snapshots.ts';
import { errorRegistry, PerennialError } from '#domain/errors.ts';
import { newestKept } from '#domain/kept-snapshots.ts';
import { dayMs, type PipelineName } from '#domain/units.ts';
import { collectGarbage, type GcResult } from '../data/gc.ts';
import { createRetention, isHeldUp, type KnownSnapshots, type Retained } from '../postgres/retention.ts';
import { parseStoredDefinition } from '../schemas/stored-definition.ts';
import { busy, type ExpiredPredictions, expirePredictions, type RetentionDeps, type RetentionOptions } from './predictions.ts';

export type PipelineRetention = {
  readonly pipeline: PipelineName;
  readonly predictions: ExpiredPredictions;
  /** Whose data were given up. */
  readonly snapshots: number;
  readonly runs: number;
  /** Why something stays that has outlived its retention. */
  readonly held: readonly string[];
};
export type RetentionReport = {
  readonly pipelines: readonly PipelineRetention[];
  /** Pipelines of which nothing was deleted, with the reason. */
  readonly problems: readonly { readonly pipeline: PipelineName; readonly reason: string }[];
  /** Objects that nobody names; null where a run is in work, or the store is verified. */
  readonly garbage: GcResult | null;
  readonly garbageHeld: string | null;
};

/** Objects and step results that are younger stay, whoever names them: a run may be about to use them. */
export const garbageGraceMs = 7 * dayMs;

export type GarbageOptions = { readonly graceMs: number; readonly nowMs: number };

const chosenOf =
  (spec: PipelineSpec) =>
  ({ newestFirst, named, runs }: KnownSnapshots) =>
    runs.length > 0 ? [] : chooseSnapshots(newestFirst, newestKept(spec.retention.snapshots), named);

const many = (count: number, what: string): string => `${count} ${what}${count === 1 ? '' : 's'}`;

/** A run in work may read any of them, and is not yet the run of a version. */
const expireSnapshots = async (
  { db }: RetentionDeps,
  pipeline: PipelineName,
  spec: PipelineSpec,
  { isForReal }: RetentionOptions,
) => {
  const retention = createRetention(db);
  const known = await retention.snapshots(pipeline);
  const [chosen, [run]] = [chosenOf(spec)({ ...known, runs: [] }).length, known.runs];
  const held = run === undefined || chosen === 0 ? [] : [`${many(chosen, 'snapshot')}: run "${run}" is in work`];
  if (run !== undefined || chosen === 0) return { items: 0, held };
  if (!isForReal) return { items: chosen, held };
  try {
    return { items: (await retention.collect(pipeline, chosenOf(spec))).items, held };
  } catch (error) {
    if (!isHeldUp(error)) throw error;
    return { items: 0, held: [`${many(chosen, 'snapshot')}: ${busy}`] };
  }
};

const expireRuns = async (
  { db }: RetentionDeps,
  pipeline: PipelineName,
  keepMs: number,
  { isForReal, signal, heartbeat }: RetentionOptions,
): Promise<number> => {
  const retention = createRetention(db);
  if (!isForReal) return retention.countRuns(pipeline, keepMs);
  for (let runs = 0; ; ) {
    signal?.throwIfAborted();
    heartbeat?.({ pipeline, deletes: 'runs' });
    const { items } = await retention.deleteRuns(pipeline, keepMs);
    if (items === 0) return runs;
    runs += items;
  }
};

const applyTo = async (
  deps: RetentionDeps,
  { pipeline, file }: Retained,
  options: RetentionOptions,
): Promise<PipelineRetention> => {
  const spec = parseStoredDefinition(file, `apply the retention of "${pipeline}"`);
  const predictions = await expirePredictions(deps, pipeline, spec, options);
  const runs = await expireRuns(deps, pipeline, spec.retention.runs, options);
  const snapshots = await expireSnapshots(deps, pipeline, spec, options);
  const hours = predictions.held.map(({ hours: some, why }) => `predictions of ${many(some, 'hour')}: ${why}`);
  return { pipeline, predictions, snapshots: snapshots.items, runs, held: [...hours, ...snapshots.held] };
};

/** What no repetition mends: other pipelines do not wait for it. */
const problemOf = (error: unknown): string | null => {
  if (!(error instanceof PerennialError) || errorRegistry[error.code].retry !== 'final') return null;
  return error.message;
};

const applyToAll = async (deps: RetentionDeps, options: RetentionOptions) => {
  const pipelines: PipelineRetention[] = [];
  const problems: { pipeline: PipelineName; reason: string }[] = [];
  for (const retained of await createRetention(deps.db).pipelines()) {
    options.signal?.throwIfAborted();
    options.heartbeat?.({ pipeline: retained.pipeline });
    try {
      pipelines.push(await applyTo(deps, retained, options));
    } catch (error) {
      const reason = problemOf(error);
      if (reason === null) throw error;
      problems.push({ pipeline: retained.pipeline, reason });
    }
  }
  return { pipelines, problems };
};

const collect = async (
  { db, objects }: RetentionDeps,
  garbage: GarbageOptions,
  isForReal: boolean,
): Promise<Pick<RetentionReport, 'garbage' | 'garbageHeld'>> => {
  try {
    return { garbage: await collectGarbage(db, objects, { ...garbage, isForReal }), garbageHeld: null };
  } catch (error) {
    if (!(error instanceof PerennialError && error.code === 'PRN_CONFLICT')) throw error;
    return { garbage: null, garbageHeld: error.message };
  }
};

/**
 * Deletes what has outlived the retention of its pipeline, and then what nobody names any more. Every deletion is on record
 * in `retention_log`. May be killed at any moment and done again; what is still needed is held back, with the reason.
 */
export const applyRetention = async (
  deps: RetentionDeps,
  options: RetentionOptions,
  garbage: GarbageOptions,
): Promise<RetentionReport> => {
  const applied = await applyToAll(deps, options);
  options.heartbeat?.({ collects: 'garbage' });
  return { ...applied, ...(await collect(deps, garbage, options.isForReal)) };
};
