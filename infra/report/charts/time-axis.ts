/** Instants along the bottom of a chart: as many as fit, in UTC, days or minutes as the span asks. */
import { dayMs } from '#domain/units.ts';
import type { Html } from '../html.ts';
import { axisName, inner, line, type Range, type Scale, scaleX, text, widen } from './svg.ts';

/** Labels that do not touch each other: days with their year are longer. */
const labelsOf = ({ low, high }: Range): number => (high - low > 300 * dayMs ? 3 : 4);

export const timeRange = (instants: readonly string[]): Range => {
  const times = instants.map((one) => Date.parse(one));
  return widen({ low: Math.min(...times), high: Math.max(...times) }, dayMs);
};

/** Within a day hours and minutes tell; beyond that days do. */
const textOf = (ms: number, { low, high }: Range): string => {
  const iso = new Date(ms).toISOString();
  if (high - low <= 2 * dayMs) return iso.slice(11, 16);
  return high - low > 300 * dayMs ? iso.slice(0, 10) : iso.slice(5, 10);
};

const nameOf = ({ low, high }: Range): string => {
  const [first, last] = [new Date(low).toISOString(), new Date(high).toISOString()];
  if (high - low <= 2 * dayMs) return `UTC, ${first.slice(0, 10)}`;
  return first.slice(0, 4) === last.slice(0, 4) ? `day of ${first.slice(0, 4)}, UTC` : 'day, UTC';
};

export const timeAxis = (range: Range, left: number = inner.left): { readonly scale: Scale; readonly parts: readonly Html[] } => {
  const scale = scaleX(range, left);
  const labels = labelsOf(range);
  const ticks = Array.from({ length: labels }, (_, index) => range.low + ((range.high - range.low) * index) / (labels - 1));
  const parts = ticks.flatMap((tick, index) => {
    const anchor = index === 0 ? 'start' : index === labels - 1 ? 'end' : 'middle';
    return [
      line('axis', scale(tick), inner.bottom, scale(tick), inner.bottom + 4),
      text(scale(tick), inner.bottom + 17, anchor, textOf(tick, range)),
    ];
  });
  return { scale, parts: [line('axis', left, inner.bottom, inner.right, inner.bottom), ...parts, axisName(nameOf(range))] };
};
