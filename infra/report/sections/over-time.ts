import { drawDecisions } from '../charts/decisions.ts';
import { drawOverTime, type Level, type Moment } from '../charts/over-time.ts';
import type { Performance, PipelineReport, WindowPoint } from '../data.ts';
import { decisionsFinding, performanceFinding, seriesFinding } from '../findings.ts';
import type { Html } from '../html.ts';
import { beginOf, minute, number, share } from '../words.ts';
import { calibrationCard } from './calibration.ts';
import { badge, card, tableOf } from './parts.ts';

const lookOf = ({ quarantined, outcome }: WindowPoint): Moment['look'] =>
  quarantined ? 'broken' : outcome === 'fail' ? 'alarm' : 'sure';

type Series = {
  readonly what: string;
  readonly valueOf: (point: WindowPoint) => number | null;
  readonly reference: number | null;
  readonly textOf: (value: number) => string;
};

const seriesCard = (id: string, windows: readonly WindowPoint[], { what, valueOf, reference, textOf }: Series): Html[] => {
  if (!windows.some((point) => valueOf(point) !== null)) return [];
  const finding = seriesFinding(what, windows, valueOf, reference, textOf);
  const moments = windows.map(
    (point): Moment => ({ ...point, value: valueOf(point), look: lookOf(point), series: point.profileSha256 }),
  );
  const levels: Level[] = reference === null ? [] : [{ value: reference, name: 'reference', kind: 'before' }];
  const remark =
    'A diamond: an alarm of drift. A cross: data broken, counts for nothing, drawn at the edge where it lies beyond. The line begins anew where another version serves.';
  const rows = windows.map((point) => {
    const value = valueOf(point);
    return [
      beginOf(point.from, point.to),
      value === null ? '–' : textOf(value),
      number(point.rows),
      badge(point.quarantined ? 'quarantined' : point.outcome),
    ];
  });
  const columns = [{ name: 'window from' }, { name: what, kind: 'n' }, { name: 'rows', kind: 'n' }, { name: 'verdict' }] as const;
  return [card(finding, drawOverTime(id, finding, remark, moments, levels, textOf), remark, tableOf(what, columns, rows))];
};

const performanceMoments = ({ points }: Performance): Moment[] =>
  points.map(({ from, to, kind, gain, outcome }) => ({
    from,
    to,
    value: gain?.estimate ?? null,
    interval: gain,
    look: kind === 'provisional' ? 'provisional' : outcome === 'fail' ? 'alarm' : 'sure',
  }));

const performanceColumns = [
  { name: 'window from' },
  { name: 'metric', kind: 'n' },
  { name: 'gain', kind: 'n' },
  { name: 'lower', kind: 'n' },
  { name: 'upper', kind: 'n' },
  { name: 'labelled', kind: 'n' },
  { name: 'verdict' },
] as const;

const performanceCard = (id: string, performance: Performance | null): Html[] => {
  if (performance === null) return [];
  const moments = performanceMoments(performance);
  if (!moments.some(({ value }) => value !== null)) return [];
  const { metric, points, tolerated } = performance;
  const finding = performanceFinding(performance);
  const levels: Level[] = [
    { value: 0, name: 'as the reference', kind: 'before' },
    ...(tolerated === null ? [] : [{ value: -tolerated, name: 'tolerated loss', kind: 'limit' } as const]),
  ];
  const remark = `Change of ${metric} against the reference on matured labels, with its bounds; below the dashed line with the whole bar is a breach.`;
  const rows = points.map(({ from, to, kind, value, gain, predictions, labelled, outcome }) => [
    beginOf(from, to),
    number(value),
    number(gain?.estimate ?? null),
    number(gain?.lower ?? null),
    number(gain?.upper ?? null),
    `${number(labelled)} of ${number(predictions)}`,
    badge(kind === 'provisional' ? 'provisional' : outcome),
  ]);
  return [card(finding, drawOverTime(id, finding, remark, moments, levels), remark, tableOf(metric, performanceColumns, rows))];
};

const decisionColumns = [
  { name: 'at' },
  { name: 'number' },
  { name: 'kind' },
  { name: 'decided' },
  { name: 'because', kind: 'reason' },
] as const;

const decisionsCard = (id: string, report: PipelineReport): Html[] => {
  const { decisions, windows } = report;
  if (decisions.length === 0) return [];
  const finding = decisionsFinding(report);
  const remark =
    'A square: something was done. A diamond: an alarm, a hold or a way back. A small circle: looked, and nothing was to be done.';
  const rows = decisions.map(({ id, at, kind, action, reason }) => [minute(at), `decision/${id}`, kind, action, reason]);
  const table = tableOf('Decisions', decisionColumns, rows);
  return [card(finding, drawDecisions(id, finding, remark, decisions, windows), remark, table)];
};

/** What changed over the windows: answers, performance, and what was decided when. */
export const overTimeCards = (id: string, report: PipelineReport): Html[] => {
  const { windows, reference, performance } = report;
  return [
    ...seriesCard(`${id}-s`, windows, {
      what: 'mean score',
      valueOf: (one) => one.scoreMean,
      reference: reference.scoreMean,
      textOf: number,
    }),
    ...seriesCard(`${id}-r`, windows, {
      what: 'positive rate',
      valueOf: (one) => one.positiveShare,
      reference: reference.positiveShare,
      textOf: share,
    }),
    ...performanceCard(`${id}-p`, performance),
    ...calibrationCard(`${id}-b`, performance?.calibration ?? []),
    ...decisionsCard(`${id}-c`, report),
  ];
};
