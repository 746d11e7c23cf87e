/** What the counters of the newest window say of a model before any label has come. */
import type { Evidence } from '#domain/contracts/evidence.ts';
import type { ModelPackage, ModelVersion } from '#domain/contracts/model-version.ts';
import type { ReferenceProfile } from '#domain/contracts/reference-profile.ts';
import { decisionThreshold } from '#domain/stats/metrics/scored.ts';
import { cellsOfCounts } from '#domain/stats/performance/cells-of-counts.ts';
import { compareEstimate } from '#domain/stats/performance/estimate-evidence.ts';
import { estimatedMetrics, estimatePerformance } from '#domain/stats/performance/label-free-estimate.ts';
import type { WindowTotal } from '#domain/stats/summaries/flush-ledger.ts';
import { addWindows } from '#domain/stats/summaries/window-counts.ts';
import type { Instant } from '#domain/units.ts';
import type { PerformanceDeps, Span } from './performance-question.ts';

export type LabelFree = Span & { readonly evidence: readonly Evidence[] };

/** Beyond this a server that counts nothing any more has nothing new to say. */
const windowsBack = 7;

/** Newest window that has closed, all arms that this model answered in together; null where nobody counted. */
const newestWindow = async (
  deps: Pick<PerformanceDeps, 'tallies'>,
  { pipeline, modelSha256, profileSha256 }: ModelVersion,
  until: Instant,
  windowMs: number,
  isLeftOut: (span: Span) => boolean,
): Promise<WindowTotal | null> => {
  if (profileSha256 === null) return null;
  const from = new Date(Date.parse(until) - windowsBack * windowMs).toISOString() as Instant;
  const all = await deps.tallies.windows(pipeline, profileSha256, { from, to: until });
  const own = all.filter((window) => window.modelSha256 === modelSha256 && !isLeftOut(window));
  const newest = own.reduce<Instant | null>((to, window) => (to === null || window.to > to ? window.to : to), null);
  const parts = own.filter((window) => window.to === newest);
  const [first, ...others] = parts;
  return first === undefined ? null : others.reduce<WindowTotal>((sum, one) => ({ ...sum, ...addWindows(sum, one) }), first);
};

/**
 * Estimates of every metric that can be had from calibrated probabilities, of two classes only: the one score of the
 * profile lies in [0, 1]. Null without a counted window, or a calibrator.
 */
export const estimateWithoutLabels = async (
  deps: Pick<PerformanceDeps, 'tallies'>,
  question: { readonly version: ModelVersion; readonly until: Instant; readonly isLeftOut: (span: Span) => boolean },
  profile: ReferenceProfile,
  { task }: Pick<ModelPackage, 'task'>,
): Promise<LabelFree | null> => {
  const { performance, scores, season } = profile;
  const [score] = scores;
  if (task !== 'binary' || performance?.calibrator == null || score?.layout.kind !== 'numeric') return null;
  const window = await newestWindow(deps, question.version, question.until, season.windowMs, question.isLeftOut);
  const counts = window?.scores[0]?.counts.cells;
  if (window === null || counts === undefined) return null;
  const found = estimatePerformance(cellsOfCounts(score.layout, counts, performance.calibrator, decisionThreshold));
  if (found === null) return null;
  const evidence = estimatedMetrics.flatMap((metric) => {
    const value = found.metrics[metric];
    return value === undefined
      ? []
      : [compareEstimate({ metric, value, rows: found.rows, better: 'higher', windowMs: season.windowMs }, performance)];
  });
  return { from: window.from, to: window.to, evidence };
};
