import { drawOverTime, type Level, type Moment } from '../charts/over-time.ts';
import type { CalibrationPoint } from '../data.ts';
import { calibrationFinding } from '../findings.ts';
import type { Html } from '../html.ts';
import { beginOf, number } from '../words.ts';
import { badge, card, tableOf } from './parts.ts';

const columns = [
  { name: 'window from' },
  { name: 'observed over promised', kind: 'n' },
  { name: 'Brier score', kind: 'n' },
  { name: 'calibration error', kind: 'n' },
  { name: 'beyond chance', kind: 'n' },
  { name: 'least p-value', kind: 'n' },
  { name: 'verdict' },
] as const;

const levels: readonly Level[] = [{ value: 1, name: 'as promised', kind: 'before' }];

/** Whether as many positives came as the probabilities had promised. */
export const calibrationCard = (id: string, points: readonly CalibrationPoint[]): Html[] => {
  if (points.length === 0) return [];
  const finding = calibrationFinding(points);
  const remark =
    'Positives that came over positives that the probabilities promised, on matured labels. A diamond: those of this window, or of the week that ends with it, are wrong beyond chance and by more than is tolerated.';
  const moments = points.map(
    ({ from, to, observedOverExpected, outcome }): Moment => ({
      from,
      to,
      value: observedOverExpected,
      look: outcome === 'fail' ? 'alarm' : 'sure',
    }),
  );
  const rows = points.map(({ from, to, observedOverExpected, brier, error, excess, pValue, outcome }) => [
    beginOf(from, to),
    ...[observedOverExpected, brier, error, excess, pValue].map(number),
    badge(outcome),
  ]);
  return [card(finding, drawOverTime(id, finding, remark, moments, levels), remark, tableOf('Calibration', columns, rows))];
};
