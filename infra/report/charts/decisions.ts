import type { DecisionPoint, WindowPoint } from '../data.ts';
import type { Html } from '../html.ts';
import { figure, inner, line, mark, rect, text } from './svg.ts';
import { timeAxis, timeRange } from './time-axis.ts';

/** Room for the names of the lanes. */
const left = inner.left + 40;
const lanes = ['drift', 'performance', 'quality', 'retrain', 'rollout'] as const;

/** What a person would want to see from afar; every "no" is a small circle. */
const bad = /^(alarm|breach|quarantine|roll back|hold)/;
const loud = /^(retrain|recalibrate|promote|advance)/;

const weightOf = ({ action }: DecisionPoint): number => (bad.test(action) ? 2 : loud.test(action) ? 1 : 0);

/** Decisions on the axis of time, a lane for each kind; windows whose data are broken are shaded. */
export const drawDecisions = (
  id: string,
  title: string,
  told: string,
  decisions: readonly DecisionPoint[],
  windows: readonly WindowPoint[],
): Html => {
  const range = timeRange([...decisions.map(({ drawnAt }) => drawnAt), ...windows.flatMap(({ from, to }) => [from, to])]);
  const { scale: x, parts } = timeAxis(range, left);
  const height = (inner.bottom - inner.top) / lanes.length;
  const middle = (lane: number): number => inner.top + height * (lane + 0.5);
  return figure(id, title, told, [
    ...windows
      .filter(({ quarantined }) => quarantined)
      .map(({ from, to }) =>
        rect('shade', x(Date.parse(from)), inner.top, x(Date.parse(to)) - x(Date.parse(from)), inner.bottom - inner.top),
      ),
    ...lanes.flatMap((lane, place) => [
      line('grid', left, middle(place), inner.right, middle(place)),
      text(2, middle(place) + 4, 'start', lane),
    ]),
    ...parts,
    // Those that matter are drawn last, above the others.
    ...[...decisions]
      .sort((a, b) => weightOf(a) - weightOf(b))
      .flatMap(({ at, drawnAt, kind, action, reason }) => {
        const lane = lanes.indexOf(kind as (typeof lanes)[number]);
        if (lane < 0) return [];
        const look = bad.test(action) ? 'bad-dot' : loud.test(action) ? 'dot' : 'hollow';
        const shape = bad.test(action) ? 'diamond' : loud.test(action) ? 'square' : 'circle';
        return [mark(look, shape, [x(Date.parse(drawnAt)), middle(lane)], `${at} ${action}: ${reason}`)];
      }),
  ]);
};
