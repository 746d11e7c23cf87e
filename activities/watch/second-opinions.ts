/** Stream detectors over the errors of labelled rows: a second opinion, which decides nothing. */
import type { PerformanceReport } from '#domain/contracts/performance-report.ts';
import { adwin } from '#domain/stats/detectors/adwin.ts';
import { ddm } from '#domain/stats/detectors/ddm.ts';
import { type DetectorRun, runDetector, type Signal } from '#domain/stats/detectors/detector.ts';
import { pageHinkley } from '#domain/stats/detectors/page-hinkley.ts';
import { predictedClasses } from '#domain/stats/metrics/scored.ts';
import type { Instant } from '#domain/units.ts';
import type { ScoredRows } from './scored-rows.ts';

type Opinion = PerformanceReport['secondOpinions'][number];

/** 1 for a wrong class; for numbers, 1 for an error above the reference's mean, so that about half of them are. */
const errorsOf = ({ scored }: ScoredRows, meanError: number | undefined): Uint8Array | null => {
  if (scored.task !== 'regression') {
    const called = predictedClasses(scored);
    return Uint8Array.from(scored.labels, (label, row) => (called[row] === label ? 0 : 1));
  }
  if (meanError === undefined) return null;
  return Uint8Array.from(scored.labels, (label, row) => (Math.abs(label - (scored.answers[row] as number)) > meanError ? 1 : 0));
};

const tell = (detector: Opinion['detector'], run: DetectorRun<{ signal: Signal }>, eventMs: Float64Array): Opinion => {
  const drift = run.alarms.findLast((alarm) => alarm.signal === 'drift');
  const signal = drift?.signal ?? run.last.signal;
  const row = drift?.index ?? run.alarms.at(-1)?.index ?? eventMs.length - 1;
  return {
    detector,
    signal,
    at: new Date(eventMs[signal === 'quiet' ? eventMs.length - 1 : row] as number).toISOString() as Instant,
  };
};

/**
 * What each detector says of rows in the order of their events: drift where it was found anywhere in them, and when last.
 * No rows, or a regression whose reference has no mean error: no opinions.
 */
export const secondOpinions = (rows: ScoredRows, meanError: number | undefined): Opinion[] => {
  const errors = errorsOf(rows, meanError);
  if (errors === null || errors.length === 0) return [];
  return [
    tell('ddm', runDetector(ddm(), errors), rows.eventMs),
    tell('page-hinkley', runDetector(pageHinkley(), errors), rows.eventMs),
    tell('adwin', runDetector(adwin(), errors), rows.eventMs),
  ];
};
