import type { Html } from '../html.ts';
import { number } from '../words.ts';
import { axisY, figure, inner, line, mark, type Point, path, scaleY, text, ticksOf, widen } from './svg.ts';
import { timeAxis, timeRange } from './time-axis.ts';

export type Moment = {
  readonly from: string;
  readonly to: string;
  /** null: there is no value, and the line is broken there. */
  readonly value: number | null;
  readonly interval?: { readonly lower: number; readonly upper: number } | null;
  /** Filled: decides. Hollow: is shown only. A cross: broken, counts for nothing. */
  readonly look: 'sure' | 'provisional' | 'broken' | 'alarm';
  /** The line is broken where it changes. */
  readonly series?: string;
};
export type Level = { readonly value: number; readonly name: string; readonly kind: 'before' | 'limit' };

const shapes = { sure: 'circle', provisional: 'circle', broken: 'cross', alarm: 'diamond' } as const;
const kinds = { sure: 'dot', provisional: 'hollow', broken: 'bad-line', alarm: 'bad-dot' } as const;

const middle = ({ from, to }: Moment): number => (Date.parse(from) + Date.parse(to)) / 2;

/** Runs of moments that have a value: what lies between them is not known, and is not drawn. */
const unbroken = (moments: readonly Moment[]): Moment[][] => {
  const runs: Moment[][] = [[]];
  for (const one of moments) {
    const before = runs.at(-1)?.at(-1);
    if (one.value === null || one.look === 'broken') runs.push([]);
    else if (before !== undefined && before.series !== one.series) runs.push([one]);
    else runs.at(-1)?.push(one);
  }
  return runs.filter((run) => run.length > 1);
};

/** A value over time with its interval, and the levels that it is held against. */
export const drawOverTime = (
  id: string,
  title: string,
  told: string,
  moments: readonly Moment[],
  levels: readonly Level[],
  textOf: (value: number) => string = number,
): Html => {
  const trusted = moments.some(({ look }) => look !== 'broken') ? moments.filter(({ look }) => look !== 'broken') : moments;
  // What is broken may be anywhere: it is drawn at the edge, and does not flatten the rest.
  const values = trusted.flatMap(({ value, interval }) => [value, interval?.lower ?? null, interval?.upper ?? null]);
  const known = [...values.filter((value) => value !== null), ...levels.map(({ value }) => value)];
  const tight = widen({ low: Math.min(...known), high: Math.max(...known) }, Math.abs(known[0] ?? 1) / 5 || 1);
  const room = (tight.high - tight.low) * 0.12;
  const range = { low: tight.low - room, high: tight.high + room };
  const y = scaleY(range);
  const { scale: x, parts } = timeAxis(timeRange(moments.flatMap(({ from, to }) => [from, to])));
  const within = (value: number): number => Math.min(range.high - room / 3, Math.max(range.low + room / 3, value));
  const placed = (one: Moment): Point => [x(middle(one)), y(within(one.value as number))];
  return figure(id, title, told, [
    ...axisY(y, ticksOf(range), textOf),
    ...parts,
    ...levels.flatMap(({ value, name, kind }) => [
      line(kind, inner.left, y(value), inner.right, y(value)),
      text(inner.right, y(value) + (kind === 'limit' ? 14 : -5), 'end', name, 'level'),
    ]),
    ...unbroken(moments).map((run) => path('line', run.map(placed))),
    ...moments.flatMap((one) =>
      one.interval == null ? [] : [line('reach', x(middle(one)), y(one.interval.lower), x(middle(one)), y(one.interval.upper))],
    ),
    ...moments.flatMap((one) =>
      one.value === null ? [] : [mark(kinds[one.look], shapes[one.look], placed(one), `${one.from}: ${textOf(one.value)}`)],
    ),
  ]);
};
