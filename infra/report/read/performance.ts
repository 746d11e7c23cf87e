/** Performance over time, from the reports on labels that came. */
import { z } from 'zod';
import { type PerformanceReport, type PerformanceWindow, performanceReportSchema } from '#domain/contracts/performance-report.ts';
import type { ContentStore } from '../../objects/store.ts';
import type { RecordedDecision } from '../../postgres/decisions.ts';
import type { MeasuredWindow } from '../../postgres/watch-reports.ts';
import type { Performance, PerformancePoint } from '../data.ts';
import { readCalibration } from './calibration.ts';

const evidencePattern = /^performance\/([^/]+)\/window against reference$/;

/** The metric that windows were asked about; the newest window says it. */
const metricOf = (windows: readonly PerformanceWindow[]): string | null => {
  for (const window of [...windows].reverse()) {
    if (window.kind !== 'matured') continue;
    for (const { id } of window.evidence) {
      const metric = evidencePattern.exec(id)?.[1];
      if (metric !== undefined) return metric;
    }
  }
  return null;
};

/** Each window once, as the newest report has it; by time. */
const newestOfEach = (reports: readonly PerformanceReport[]): PerformanceWindow[] => {
  const windows = new Map<string, PerformanceWindow>();
  for (const { windows: found } of [...reports].sort((a, b) => (a.at < b.at ? -1 : 1)))
    for (const window of found) windows.set(`${window.from}/${window.to}`, window);
  return [...windows.values()].sort((a, b) => (a.from < b.from ? -1 : 1));
};

const toPoint = (window: PerformanceWindow, metric: string, outcomes: ReadonlyMap<string, string>): PerformancePoint => {
  const found =
    window.kind === 'matured' ? window.evidence.find(({ id }) => evidencePattern.exec(id)?.[1] === metric) : undefined;
  const gain = found?.kind === 'interval' ? found : null;
  const { from, to, kind, predictions, labelled } = window;
  return {
    ...{ from, to, kind, predictions, labelled, gain },
    value: window.metrics[metric] ?? null,
    outcome: outcomes.get(`${from}/${to}`) ?? 'not judged',
  };
};

/** Value less gain: what the reference had, in the direction of the metric. */
const referenceOf = (points: readonly PerformancePoint[]): number | null => {
  const last = points.findLast(({ value, gain }) => value !== null && gain !== null);
  return last?.gain == null || last.value === null ? null : last.value - last.gain.estimate;
};

/** The tolerated loss is the right side of the inequality that was compared. */
const toleratedOf = (decisions: readonly RecordedDecision[]): number | null => {
  const limit = decisions.flatMap(({ record }) => record.inequalities).find(({ what }) => /lower .* bound/.test(what));
  return limit === undefined ? null : Math.abs(limit.right);
};

const verdictSchema = z.object({ verdict: z.object({ outcome: z.string() }) });
const verdictOf = ({ output, action }: RecordedDecision['record']): string =>
  verdictSchema.safeParse(output).data?.verdict.outcome ?? action;

const readWindows = async (content: Pick<ContentStore, 'getJson'>, measured: readonly MeasuredWindow[]) => {
  const digests = [...new Set(measured.map(({ sha256 }) => sha256))];
  const reports = await Promise.all(digests.map(async (sha256) => performanceReportSchema.parse(await content.getJson(sha256))));
  return newestOfEach(reports);
};

export type PerformanceSources = {
  readonly content: Pick<ContentStore, 'getJson'>;
  /** The newest windows, which are drawn. */
  readonly measured: readonly MeasuredWindow[];
  /** About performance, newest first. */
  readonly decisions: readonly RecordedDecision[];
  /** The window that is shown in full, with what was measured of its labels: it may be older than all that are drawn. */
  readonly shown: Pick<MeasuredWindow, 'from' | 'to'> | undefined;
  readonly ofShown: readonly MeasuredWindow[];
};

export const readPerformance = async ({
  content,
  measured,
  decisions,
  shown,
  ofShown,
}: PerformanceSources): Promise<Performance | null> => {
  const [windows, older] = await Promise.all([readWindows(content, measured), readWindows(content, ofShown)]);
  const metric = metricOf(windows);
  if (metric === null) return null;
  const oldestFirst = [...decisions].reverse().map(({ record }) => record);
  const outcomes = new Map([
    ...[...ofShown, ...measured].map(({ from, to, outcome }) => [`${from}/${to}`, outcome] as const),
    ...oldestFirst.map((record) => [record.subject, verdictOf(record)] as const),
  ]);
  const points = windows.map((window) => toPoint(window, metric, outcomes));
  const found = [...windows, ...older].find(({ from, to }) => from === shown?.from && to === shown.to);
  return {
    ...{ metric, points, reference: referenceOf(points), tolerated: toleratedOf(decisions) },
    shown: found === undefined ? null : toPoint(found, metric, outcomes),
    calibration: readCalibration(windows, oldestFirst),
  };
};
