/** The watch's steps as they are on a quiet day: a champion serves, no window has closed, no label came. */

import type { DriftObservation } from '#domain/contracts/drift-state.ts';
import { retrainSchema } from '#domain/contracts/pipeline-spec/operation.ts';
import type {
  PerformanceMeasured,
  WatchCursor,
  WatchedModel,
  WatchMeasurement,
  WatchPlan,
  WatchWindow,
} from '#domain/contracts/watch.ts';
import { defaultDriftPolicy } from '#domain/decide/drift/policy.ts';
import { retrainPolicyOf } from '#domain/decide/retrain/retrain-policy.ts';
import type { Instant, PipelineName, RunKey, Sha256, VersionNumber } from '#domain/units.ts';
import { retrainWorkflowId } from '../../workflows/names.ts';
import type { WatchSteps } from '../../workflows/watch-steps.ts';
import { anyDigest, newRequest } from './world.ts';

export const hourMs = 3_600_000;
export const dayMs = 24 * hourMs;
/** Where the stories of watches begin. */
export const beginMs = Date.UTC(2001, 1, 5);
export const instant = (ms: number): Instant => new Date(ms).toISOString() as Instant;
export const dayAt = (day: number): Instant => instant(beginMs + day * dayMs);

export const digestOf = (digit: string): Sha256 => digit.repeat(64).slice(0, 64) as Sha256;

export const watchPlan = (over: Partial<WatchPlan> = {}, retrain: object = {}): WatchPlan => ({
  pipeline: 'churn' as PipelineName,
  definitionSha256: digestOf('d'),
  everyMs: hourMs,
  silentAfterMs: dayMs,
  drift: defaultDriftPolicy,
  retrain: retrainPolicyOf(retrainSchema.parse(retrain)),
  ...over,
});

export const newCursor = (): WatchCursor => ({
  profileSha256: null,
  judgedUntil: null,
  maturedUntil: null,
  estimatedUntil: null,
  runsAfter: { endedAt: '1970-01-01T00:00:00.000Z' as Instant, runKey: '0000000000000000' as RunKey },
});

export const modelOf = (version = 1): WatchedModel => ({
  version: version as VersionNumber,
  modelSha256: digestOf(`a${version}`),
  profileSha256: digestOf(`b${version}`),
  features: 2,
  predictions: 1,
});

const variable = (name: string, debiasedPsi: number, critical = false): DriftObservation['features'][number] => ({
  name,
  critical,
  importance: 0.5,
  evidenceId: `${name}/psi`,
  measured: { debiasedPsi, psiUpperLimit: debiasedPsi * 1.2, adjustedPValue: debiasedPsi > 0.1 ? 1e-6 : 0.7 },
});

/** The window of a day. `psi` moves all variables by so much. */
export const windowOf = (day: number, psi = 0, over: Partial<DriftObservation> = {}, version = 1): WatchWindow => ({
  observation: {
    profileSha256: modelOf(version).profileSha256 as Sha256,
    from: dayAt(day),
    to: dayAt(day + 1),
    features: [variable('tenure', psi), variable('contract', psi)],
    predictions: [variable('score', psi)],
    breaches: [],
    ...over,
  },
  rows: 1000,
  reportSha256: digestOf(`c${day % 10}`),
});

export const labels = (over: Partial<PerformanceMeasured> = {}): PerformanceMeasured => ({
  windows: [],
  estimate: null,
  breaches: [],
  labels: { newRows: 100, newRareRows: 10, lastTrainingRows: 10_000 },
  gain: null,
  ...over,
});

/** What a look finds on a day; the data have come to the end of that day. */
export const measured = (day: number, over: Partial<WatchMeasurement> = {}): WatchMeasurement => ({
  dataTime: dayAt(day + 1),
  model: modelOf(),
  trainedAt: instant(beginMs),
  windows: [],
  more: false,
  performance: labels(),
  openBreaches: 0,
  ended: [],
  otherRuns: [],
  ...over,
});

export const quietWatch = (): WatchSteps => ({
  openWatch: async ({ pipeline }) => ({ plan: watchPlan({ pipeline }), cursor: newCursor() }),
  measureWatch: async () => measured(0),
  recordDecisions: async () => {},
  prepareRetrain: async ({ pipeline, by, reason }) => {
    const request = newRequest({
      pipeline,
      trigger: { kind: 'watch', by, reason: reason.slice(0, 500) },
      listingSha256: anyDigest(),
    });
    return { kind: 'new', workflowId: retrainWorkflowId(pipeline, request.runKey), request };
  },
  askWatch: async () => ({ decision: 'wait', reason: 'Wait (nothing): nothing stirs', workflowId: null }),
});
