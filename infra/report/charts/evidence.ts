import type { Look } from '../data.ts';
import type { Html } from '../html.ts';
import { share } from '../words.ts';
import {
  axisName,
  axisY,
  figure,
  inner,
  line,
  mark,
  type Point,
  path,
  type Range,
  scaleX,
  scaleY,
  text,
  ticksOf,
  tickText,
  widen,
} from './svg.ts';

/** Below it evidence against harm is only ever more of the same; above it everything is harm. */
const lowest = 1e-3;
const highest = 1e8;
const shapes = ['circle', 'square', 'diamond', 'cross'] as const;

const clamp = (eValue: number): number => Math.log10(Math.min(highest, Math.max(lowest, eValue)));
const units = [
  ['h', 3_600_000],
  ['min', 60_000],
  ['s', 1_000],
] as const;

/** Round times of the largest unit of which there are three. */
const timeTicks = ({ low, high }: Range): { readonly ms: number; readonly words: string }[] => {
  const [unit, size] = units.find(([, one]) => high >= 3 * one) ?? (['s', 1_000] as const);
  return ticksOf({ low: low / size, high: high / size }, 3).map((tick) => ({
    ms: tick * size,
    words: `${tickText(tick)} ${unit}`,
  }));
};

const powerText = (power: number): string => (power >= -3 && power <= 4 ? String(10 ** power) : `1e${power}`);

/** How the lines of guardrails, in their order, are told apart. */
export const evidenceKey = (names: readonly string[]): string =>
  names
    .map((name, place) => `${name}: ${place === 0 ? 'solid' : 'dashed'} line to a ${shapes[place % shapes.length]}`)
    .join('; ');

/** e-values of harm over the looks of a rollout, on a scale of powers of ten, with the line that takes it back. */
export const drawEvidence = (
  id: string,
  title: string,
  told: string,
  looks: readonly Look[],
  alphas: Readonly<Record<string, number>>,
): Html => {
  const names = Object.keys(alphas).filter((name) => looks.some(({ eValues }) => eValues[name] !== undefined));
  const limits = names.map((name) => clamp(1 / (alphas[name] as number)));
  const powers = [...looks.flatMap(({ eValues }) => Object.values(eValues).map(clamp)), ...limits, 0];
  const range = widen({ low: Math.min(...powers) - 0.3, high: Math.max(...powers) + 0.4 });
  const times = widen({ low: 0, high: Math.max(...looks.map(({ elapsedMs }) => elapsedMs), 1) });
  const [x, y] = [scaleX(times), scaleY(range)];
  const placed = (name: string): Point[] =>
    looks.flatMap(({ elapsedMs, eValues }) => {
      const eValue = eValues[name];
      return eValue === undefined ? [] : [[x(elapsedMs), y(clamp(eValue))] as const];
    });
  const isLate = (elapsedMs: number): boolean => elapsedMs > times.high * 0.9;
  const steps = looks.filter((look, place) => place === 0 || look.share !== looks[place - 1]?.share);
  return figure(id, title, told, [
    ...axisY(
      y,
      ticksOf(range).filter((tick) => Number.isInteger(tick)),
      powerText,
    ),
    line('axis', inner.left, inner.bottom, inner.right, inner.bottom),
    ...timeTicks(times).map(({ ms, words }) => text(x(ms), inner.bottom + 17, 'middle', words)),
    ...steps.flatMap(({ elapsedMs, share: part }, place) => [
      line('step', x(elapsedMs), inner.top, x(elapsedMs), inner.bottom),
      // Shares that follow each other soon would be written one over the other.
      text(
        x(elapsedMs) + (isLate(elapsedMs) ? -3 : 3),
        inner.bottom - 5 - (place % 3) * 14,
        isLate(elapsedMs) ? 'end' : 'start',
        share(part),
        'level',
      ),
    ]),
    ...[...new Set(limits)].map((limit) => line('limit', inner.left, y(limit), inner.right, y(limit))),
    ...(limits[0] === undefined ? [] : [text(inner.right, y(Math.max(...limits)) - 5, 'end', 'harm is shown', 'level')]),
    ...names.flatMap((name, place) => {
      const points = placed(name);
      const last = points.at(-1);
      return [
        path(place === 0 ? 'line' : 'line-2', points),
        ...(last === undefined ? [] : [mark('dot', shapes[place % shapes.length] as 'circle', last, name)]),
      ];
    }),
    axisName('time since the rollout began; e-value of harm'),
  ]);
};
