/** Small reference profiles for the tiny models, and what a server remembers, in memory. */

import { type CaptureDeps, type CaptureSink, type CounterGap } from '../../../serving/capture/deps.ts';
import type { ArmTally } from '../../../workflows/domain/contracts/capture.ts';
import type { Flush } from '../../../workflows/domain/contracts/flush.ts';
import {
  type CategoricalLayout,
  type NumericLayout,
  type ReferenceProfile,
  referenceProfileSchema,
} from '../../../workflows/domain/contracts/reference-profile.ts';
import { emptyCounts } from '../../../workflows/domain/stats/summaries/cell-counts.ts';
import { emptyMoments } from '../../../workflows/domain/stats/summaries/moments.ts';
import type { Instant } from '../../../workflows/domain/units.ts';

const digest = 'a'.repeat(64);

const variable = (
  name: string,
  layout: NumericLayout | CategoricalLayout,
  fences: { low: number; high: number } | null = null,
) => ({
  name,
  layout,
  reference: emptyCounts(layout),
  bySlot: [],
  moments: layout.kind === 'numeric' ? emptyMoments : null,
  interquartileRange: fences === null ? null : 1,
  fences,
  outside: 0,
  quiet: null,
});
export const numeric = (name: string, edges: readonly number[], fences: { low: number; high: number } | null = null) =>
  variable(name, { kind: 'numeric', edges: [...edges] }, fences);
export const categorical = (name: string, values: readonly string[]) =>
  variable(name, { kind: 'categorical', values: [...values], seen: { kind: 'exact', values: [] } });

const feature = { critical: false, importance: null, closedVocabulary: false, hardLimits: { min: null, max: null } };

export const profileOf = (
  pipeline: string,
  parts: {
    readonly features: readonly ReturnType<typeof variable>[];
    readonly scores: readonly ReturnType<typeof variable>[];
    readonly predictions: ReturnType<typeof variable> | null;
    readonly windowMs?: number;
  },
): ReferenceProfile =>
  referenceProfileSchema.parse({
    format: 1,
    pipeline,
    snapshotSha256: digest,
    featureSetSha256: digest,
    onnxSha256: digest,
    rows: 0,
    eventTime: null,
    season: { slot: 'none', slots: 1, windowMs: parts.windowMs ?? 3_600_000, windowsBySlot: [0] },
    features: parts.features.map((one) => ({ ...one, ...feature })),
    scores: parts.scores,
    predictions: parts.predictions,
    performance: null,
  });

/** Of the tiny churn models: scores beyond 0.99 are out of range. */
export const churnProfile = profileOf('churn', {
  features: [numeric('tenure', [25, 50, 75]), categorical('contract', ['monthly', 'yearly']), numeric('charges', [60])],
  scores: [numeric('score', [0.25, 0.5, 0.75], { low: 0.001, high: 0.99 })],
  predictions: categorical('predicted class', ['false', 'true']),
});

/** Remembers what it was told; may be made to fail. */
export const createMemorySink = () => {
  const flushes: { readonly pipeline: string; readonly flush: Flush }[] = [];
  const tallies: ArmTally[] = [];
  const gaps: CounterGap[] = [];
  const told: { readonly serverId: string; readonly until: Instant }[] = [];
  let isAway = false;
  const answer = <T>(value: T): Promise<T> => (isAway ? Promise.reject(new Error('away')) : Promise.resolve(value));
  const sink: CaptureSink = {
    recordWindows: (pipeline, flush) => {
      if (!isAway) flushes.push({ pipeline, flush });
      return answer({ kind: 'recorded' });
    },
    recordArms: (arms) => {
      if (!isAway) tallies.push(...arms);
      return answer(undefined);
    },
    clock: () => answer(new Date().toISOString() as Instant),
    recordTold: (serverId, until) => {
      if (!isAway) told.push({ serverId, until });
      return answer(undefined);
    },
    recordGap: (gap) => {
      if (!isAway) gaps.push(gap);
      return answer(undefined);
    },
    countedRows: () => answer([]),
  };
  /** What was told last of an arm, by generation. */
  const lastOf = (arm: string, generation: number): ArmTally | undefined =>
    tallies.findLast((tally) => tally.arm === arm && tally.generation === generation);
  return { sink, flushes, tallies, gaps, told, lastOf, goAway: (away: boolean) => (isAway = away) };
};
export type MemorySink = ReturnType<typeof createMemorySink>;

export const captureIn = (folder: string, { sink }: MemorySink, flushMs = 50): Omit<CaptureDeps, 'log' | 'metrics'> => ({
  folder,
  flushMs,
  shipMs: 60_000,
  sink,
  startShipper: null,
});
