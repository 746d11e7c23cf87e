/** One closed window against the reference profile of the model that served it, as a report that is kept. */
import { type DriftReport, driftReportSchema, type QualityBreach } from '#domain/contracts/drift-report.ts';
import type { ReferenceProfile, WindowCounts } from '#domain/contracts/reference-profile.ts';
import type { WatchWindow } from '#domain/contracts/watch.ts';
import { observeReport } from '#domain/decide/drift/observe-report.ts';
import { volumeBreaches } from '#domain/stats/drift/feed-breaches.ts';
import { measureDrift } from '#domain/stats/drift/measure-drift.ts';
import { emptyCounts } from '#domain/stats/summaries/cell-counts.ts';
import { emptyMoments } from '#domain/stats/summaries/moments.ts';
import { addWindows } from '#domain/stats/summaries/window-counts.ts';
import type { Instant, PipelineName, Sha256 } from '#domain/units.ts';
import type { CpuDeps } from '../deps.ts';

export type WindowToMeasure = {
  readonly pipeline: PipelineName;
  readonly profile: ReferenceProfile;
  readonly profileSha256: Sha256;
  readonly from: Instant;
  readonly to: Instant;
  readonly warnLevel: number;
  /** Rows of the window over all models: a candidate that takes half of the traffic is no broken feed. */
  readonly allRows: number;
};

type DriftDeps = Pick<CpuDeps, 'content' | 'watch'>;

/** A window that nobody counted into. */
const emptyWindow = (profile: ReferenceProfile, profileSha256: Sha256, from: Instant, to: Instant): WindowCounts => {
  const nothing = ({ layout }: ReferenceProfile['scores'][number]) => ({
    counts: emptyCounts(layout),
    outside: 0,
    moments: layout.kind === 'numeric' ? emptyMoments : null,
  });
  return {
    profileSha256,
    from,
    to,
    rows: 0,
    features: profile.features.map(nothing),
    scores: profile.scores.map(nothing),
    predictions: profile.predictions === null ? null : emptyCounts(profile.predictions.layout),
  };
};

/** The window's counters, all arms, servers and epochs together. */
const countsOf = async (deps: DriftDeps, asked: WindowToMeasure, span: { from: Instant; to: Instant }): Promise<WindowCounts> => {
  const { pipeline, profile, profileSha256 } = asked;
  const found = await deps.watch.tallies.windows(pipeline, profileSha256, span);
  const empty = emptyWindow(profile, profileSha256, span.from, span.to);
  return found.reduce<WindowCounts>(
    (sum, { arm: _arm, modelSha256: _model, ...one }) => ({ ...addWindows(sum, one), profileSha256 }),
    empty,
  );
};

const isOfVolume = ({ check }: QualityBreach): boolean => check === 'row volume' || check === 'missing window';

/** The volume of a feed is that of all models which it reached: a model that was asked a tenth of it saw no broken feed. */
const judgeVolume = (report: DriftReport, { profile, allRows }: WindowToMeasure, window: WindowCounts): DriftReport => {
  if (allRows === window.rows) return report;
  const ofFeed = volumeBreaches(profile, { ...window, rows: allRows });
  return { ...report, breaches: [...report.breaches.filter((breach) => !isOfVolume(breach)), ...ofFeed] };
};

const lengthOf = ({ from, to }: { readonly from: string; readonly to: string }): number => Date.parse(to) - Date.parse(from);

const measure = async (deps: DriftDeps, asked: WindowToMeasure): Promise<{ report: DriftReport; window: WindowCounts }> => {
  const { profile, profileSha256, from, to, warnLevel } = asked;
  const before = { from: new Date(Date.parse(from) - lengthOf(asked)).toISOString() as Instant, to: from };
  const [window, previous] = await Promise.all([countsOf(deps, asked, { from, to }), countsOf(deps, asked, before)]);
  const options = { profileSha256, warnLevel, ...(previous.rows > 0 && { previous }) };
  return { report: judgeVolume(measureDrift(profile, window, options), asked, window), window };
};

/** Of the largest changes as many as a page shows. */
const changesShown = 10;

const largestChanges = ({ features, predictions }: DriftReport): Record<string, number> =>
  Object.fromEntries(
    [...predictions, ...features]
      .flatMap(({ name, debiasedPsi }): [string, number][] => (debiasedPsi === null ? [] : [[name, debiasedPsi]]))
      .sort(([, left], [, right]) => right - left)
      .slice(0, changesShown),
  );

/** What lists and lines are drawn from, without reading the report. */
const summarise = (report: DriftReport, profile: ReferenceProfile, window: WindowCounts) => {
  const scores = window.scores[0]?.moments ?? null;
  const cells = window.predictions?.cells ?? [];
  const answered = cells.reduce((sum, rows) => sum + rows, 0);
  const layout = profile.predictions?.layout;
  const positive = layout?.kind === 'categorical' && layout.values.length === 2 ? layout.values.indexOf('true') : -1;
  return {
    rows: report.rows,
    scoreMean: scores === null || scores.count === 0 ? null : scores.mean,
    positiveShare: positive < 0 || answered === 0 ? null : (cells[positive] as number) / answered,
    debiasedPsi: largestChanges(report),
    breaches: report.breaches.length,
  };
};

const keep = async (deps: DriftDeps, asked: WindowToMeasure): Promise<Sha256> => {
  const { pipeline, profile, profileSha256, from, to } = asked;
  const { report, window } = await measure(deps, asked);
  const sha256 = await deps.content.putJson(report);
  const outcome = report.breaches.length > 0 ? 'broken' : 'measured';
  const summary = summarise(report, profile, window);
  return deps.watch.reports.record({ pipeline, kind: 'drift', profileSha256, from, to, sha256, outcome, summary });
};

/**
 * Measures a window once: a report that is there is what holds, whatever was counted since. A window with a breach of data
 * quality stands in quarantine from then on.
 */
export const measureWindow = async (deps: DriftDeps, asked: WindowToMeasure): Promise<WatchWindow> => {
  const { pipeline, profileSha256, from, to } = asked;
  const known = await deps.watch.reports.find({ pipeline, kind: 'drift', profileSha256, from, to });
  const reportSha256 = known ?? (await keep(deps, asked));
  const report = driftReportSchema.parse(await deps.content.getJson(reportSha256));
  const { breaches, rows } = report;
  if (breaches.length > 0) await deps.watch.quarantine.add({ pipeline, profileSha256, from, to, breaches, rows });
  return { observation: observeReport(report), rows, reportSha256 };
};
