/** What all charts share: their frame, their scales and their words. Numbers in, text out; no library, no script. */
import { type Html, html } from '../html.ts';

/**
 * Units of every chart. So small that letters of 13 units are still 10 pixels high on a telephone of 400 pixels, and
 * columns of them fill a wide screen.
 */
export const frame = { width: 440, height: 236, left: 52, right: 14, top: 12, bottom: 40 } as const;
export const inner = {
  left: frame.left,
  right: frame.width - frame.right,
  top: frame.top,
  bottom: frame.height - frame.bottom,
} as const;

export type Scale = (value: number) => number;
export type Range = { readonly low: number; readonly high: number };

/** Coordinates with a tenth of a unit: a figure of 440 units shows no more, and the file stays small. */
export const at = (value: number): string => String(Math.round(value * 10) / 10);

/** A range without extent is given one, so that a single value stands in its middle. */
export const widen = ({ low, high }: Range, least = 1): Range =>
  high > low ? { low, high } : { low: low - least / 2, high: high + least / 2 };

export const scaleX = ({ low, high }: Range, left: number = inner.left): Scale => {
  const unit = (inner.right - left) / (high - low);
  return (value) => left + (value - low) * unit;
};
export const scaleY = ({ low, high }: Range): Scale => {
  const unit = (inner.bottom - inner.top) / (high - low);
  return (value) => inner.bottom - (value - low) * unit;
};

/** Round values within a range, about `wanted` of them: multiples of 1, 2 or 5 times a power of ten. */
export const ticksOf = ({ low, high }: Range, wanted = 4): number[] => {
  const rough = (high - low) / wanted;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 5, 10].find((one) => one * power >= rough) as number) * power;
  const first = Math.ceil(low / step - 1e-9);
  const count = Math.floor(high / step + 1e-9) - first + 1;
  return Array.from({ length: Math.max(0, count) }, (_, index) => (first + index) * step);
};

/** As many digits as tell a tick from the next one. */
export const tickText = (value: number): string => String(Number(value.toPrecision(6)));

export const text = (x: number, y: number, anchor: 'start' | 'middle' | 'end', words: string, kind = 'tick'): Html =>
  html`<text class="${kind}" x="${at(x)}" y="${at(y)}" text-anchor="${anchor}">${words}</text>`;
export const line = (kind: string, x1: number, y1: number, x2: number, y2: number): Html =>
  html`<line class="${kind}" x1="${at(x1)}" y1="${at(y1)}" x2="${at(x2)}" y2="${at(y2)}"/>`;
export const rect = (kind: string, x: number, y: number, width: number, height: number): Html =>
  html`<rect class="${kind}" x="${at(x)}" y="${at(y)}" width="${at(Math.max(0, width))}" height="${at(Math.max(0, height))}"/>`;

export type Point = readonly [x: number, y: number];
export const path = (kind: string, points: readonly Point[]): Html =>
  html`<path class="${kind}" d="${points.map(([x, y], place) => `${place === 0 ? 'M' : 'L'}${at(x)} ${at(y)}`).join('')}"/>`;

/** A point with a shape of its own, so that colour is never all that tells it from others. */
export const mark = (kind: string, shape: 'circle' | 'square' | 'diamond' | 'cross', [x, y]: Point, told = ''): Html => {
  const title = html`<title>${told}</title>`;
  if (shape === 'circle') return html`<circle class="${kind}" cx="${at(x)}" cy="${at(y)}" r="4">${title}</circle>`;
  if (shape === 'square')
    return html`<rect class="${kind}" x="${at(x - 3.7)}" y="${at(y - 3.7)}" width="7.4" height="7.4">${title}</rect>`;
  const d =
    shape === 'diamond' ? `M${at(x)} ${at(y - 5.5)}l5.5 5.5l-5.5 5.5l-5.5 -5.5z` : `M${at(x - 4)} ${at(y - 4)}l8 8m0 -8l-8 8`;
  return html`<path class="${kind}" d="${d}">${title}</path>`;
};

/** Characters that stand left of the axis; of more the first would be cut off, and the rest is another number. */
const roomLeft = 6;

/** "220K" in place of "220,000" where a text has no room, with as many digits as tell one from the other. */
export const tickTexts = (ticks: readonly number[], textOf: (value: number) => string): string[] => {
  const isClear = (texts: readonly string[]) => new Set(texts).size === new Set(ticks).size;
  const whole = ticks.map(textOf);
  if (whole.every(({ length }) => length <= roomLeft) && isClear(whole)) return whole;
  const compact = (maximumSignificantDigits: number) =>
    ticks.map((tick) => tick.toLocaleString('en-US', { notation: 'compact', maximumSignificantDigits }));
  return [2, 3, 4, 5, 6].map(compact).find(isClear) ?? whole;
};

/** Horizontal lines with their values, and the name of what they measure above them. */
export const axisY = (scale: Scale, ticks: readonly number[], textOf: (value: number) => string = tickText): Html[] => {
  const texts = tickTexts(ticks, textOf);
  return ticks.flatMap((tick, index) => [
    line('grid', inner.left, scale(tick), inner.right, scale(tick)),
    text(inner.left - 6, scale(tick) + 4, 'end', texts[index] as string),
  ]);
};

/** The whole figure. `title` and `told` are what a screen reader says instead. */
export const figure = (id: string, title: string, told: string, parts: readonly Html[]): Html =>
  html`<svg viewBox="0 0 ${frame.width} ${frame.height}" role="img" aria-labelledby="${id}-t ${id}-d"><title id="${id}-t">${title}</title><desc id="${id}-d">${told}</desc>${parts}</svg>`;

export const axisName = (words: string): Html => text((inner.left + inner.right) / 2, frame.height - 4, 'middle', words, 'name');
