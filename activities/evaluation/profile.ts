/** The reference profile of a candidate: that of its frame, and what it answers and how well. */
import { type ReferenceProfile, referenceProfileSchema } from '#domain/contracts/reference-profile.ts';
import { takeClusters } from '#domain/stats/comparison/clusters.ts';
import { measureAll } from '#domain/stats/metrics/metrics.ts';
import { predictedClasses, type Scored, takeRows } from '#domain/stats/metrics/scored.ts';
import { type ClusteredBy, measureReference } from '#domain/stats/performance/reference-performance.ts';
import type { Steps } from '#domain/stats/steps.ts';
import type { Sha256 } from '#domain/units.ts';
import { readManifest } from '../../infra/data/manifest.ts';
import { profileClassesInMemory, profileNumbersInMemory, type Timing } from '../../infra/profile/profile-values.ts';
import { planWindows } from '../../infra/profile/season.ts';
import { withDuckDb } from '../../infra/tabular/duckdb.ts';
import { parquetOf, quoteName } from '../../infra/tabular/sql.ts';
import type { CpuDeps } from '../deps.ts';
import type { StepContext } from '../step-context.ts';
import { unitOf } from './clusters.ts';
import { withPauses } from './comparisons.ts';
import type { ScoredModels } from './scored-models.ts';
import type { Subject } from './subject.ts';

type Deps = Pick<CpuDeps, 'content' | 'scratch' | 'limits'>;

/**
 * Completes the profile of the frame by the candidate's answers for the hold-out, which it was not trained on, and stores
 * it; null for a frame from before there were profiles.
 */
export const completeProfile = async (
  deps: Deps,
  { frame, input, result, rowsTogether }: Subject,
  { candidate, clusters }: Pick<ScoredModels, 'candidate' | 'clusters'>,
  context: StepContext | undefined,
): Promise<Sha256 | null> => {
  if (frame.profileSha256 === undefined) return null;
  context?.heartbeat({ stage: 'profile' });
  const profile = referenceProfileSchema.parse(await deps.content.getJson(frame.profileSha256));
  const timing = await readTiming(deps, frame, profile, context);
  const seed = Number.parseInt(input.frameSha256.slice(0, 8), 16);
  return deps.content.putJson({
    ...profile,
    onnxSha256: result.onnxSha256,
    scores: await withPauses(profileScoresInSteps(candidate, frame.classes, timing), context),
    predictions: predictionsOf(candidate, frame.classes, timing),
    performance: await measurePerformance(
      candidate,
      clusters === null ? null : { unit: unitOf(rowsTogether, clusters), clusters },
      seed,
      context,
    ),
  } satisfies ReferenceProfile);
};

/** Deviations and a calibrator are known well enough from so many rows; some of their parts hold the thread while they last. */
const mostRows = 200_000;

/** Metrics are of all rows; what is estimated beside them is of at most 200,000, evenly spread. */
const measurePerformance = async (
  candidate: Scored,
  together: ClusteredBy | null,
  seed: number,
  context: StepContext | undefined,
): Promise<ReferenceProfile['performance']> => {
  const rows = candidate.labels.length;
  const stride = Math.ceil(rows / mostRows);
  const spread = Uint32Array.from({ length: Math.ceil(rows / Math.max(1, stride)) }, (_, index) => index * stride);
  const isThinned = stride > 1;
  const taken = isThinned && together !== null ? { ...together, clusters: takeClusters(together.clusters, spread) } : together;
  const measured = await withPauses(measureReference(isThinned ? takeRows(candidate, spread) : candidate, seed, taken), context);
  return isThinned ? { ...measured, rows, metrics: measureAll(candidate) } : measured;
};

/** Instants of the hold-out rows in their order, and the windows that they fall into. */
const readTiming = async (
  deps: Deps,
  frame: Subject['frame'],
  { season }: ReferenceProfile,
  context: StepContext | undefined,
): Promise<Timing | null> => {
  const { schema } = await readManifest(deps.content, frame.snapshotSha256);
  const { eventTime } = schema;
  if (eventTime === null) return null;
  const file = await deps.content.localFile(frame.holdout.raw);
  const epochMs = await deps.scratch.withFolder('profile', (folder) =>
    withDuckDb({ folder, ...deps.limits, allowedFolders: [file], signal: context?.signal }, async (db) => {
      const sql = `SELECT CAST(epoch_ms(${quoteName(eventTime)}) AS DOUBLE) FROM ${parquetOf([file])} ORDER BY _row`;
      return Float64Array.from((await db.connection.runAndReadAll(sql)).getColumns()[0] as number[]);
    }),
  );
  if (epochMs.length === 0) return null;
  const [first, last] = [epochMs.reduce((a, b) => Math.min(a, b)), epochMs.reduce((a, b) => Math.max(a, b))];
  return { epochMs, plan: planWindows(season.windowMs, first, last, season.slot) };
};

type Output = { readonly name: string; readonly values: Float64Array };

/** One for two classes ("score", of the second) and for a number ("value"), else one a class, under its name. */
function* outputsOf({ task, answers, labels }: Scored, classes: readonly string[]): Generator<Output> {
  if (task !== 'multiclass') return yield { name: task === 'binary' ? 'score' : 'value', values: Float64Array.from(answers) };
  for (const [index, name] of classes.entries()) {
    yield { name, values: Float64Array.from(labels, (_, row) => answers[row * classes.length + index] as number) };
  }
}

/** One output after the other, with a pause after each: a million rows of one take most of a second. */
export function* profileScoresInSteps(
  candidate: Scored,
  classes: readonly string[],
  timing: Timing | null,
): Steps<ReferenceProfile['scores']> {
  const scores: ReferenceProfile['scores'] = [];
  for (const { name, values } of outputsOf(candidate, classes)) {
    scores.push(profileNumbersInMemory(name, values, timing));
    yield;
  }
  return scores;
}

const predictionsOf = (candidate: Scored, classes: readonly string[], timing: Timing | null): ReferenceProfile['predictions'] => {
  if (candidate.task === 'regression') return null;
  const predicted = Array.from(predictedClasses(candidate), (index) => classes[index] as string);
  return profileClassesInMemory('predicted class', classes, predicted, timing);
};
