import type { Cell } from '../data.ts';
import type { Html } from '../html.ts';
import { share } from '../words.ts';
import { axisName, axisY, figure, inner, line, rect, scaleY, text, ticksOf } from './svg.ts';

/** Labels of some ten characters that do not touch each other. */
const labelsShown = 5;
const labelLength = 12;

/** Numbers are told at the edges between cells, categories below their bars. */
const labelOf = ({ edge, label }: Cell, isNumeric: boolean): string =>
  isNumeric ? (edge === undefined ? '' : String(Number(edge.toPrecision(3)))) : cut(label);

const cut = (label: string): string => (label.length > labelLength ? `${label.slice(0, labelLength - 1)}…` : label);

/** Bars: now. Lines across them: what the reference had in the same cell. */
export const drawDistribution = (id: string, title: string, told: string, cells: readonly Cell[], unit: string): Html => {
  const high = Math.max(...cells.flatMap(({ reference, current }) => [reference, current]), 0.01) * 1.08;
  const y = scaleY({ low: 0, high });
  const width = (inner.right - inner.left) / Math.max(1, cells.length);
  const every = Math.ceil(cells.length / labelsShown);
  const isNumeric = cells.some(({ edge }) => edge !== undefined);
  const parts = cells.flatMap((cell, place) => {
    const { reference, current } = cell;
    const x = inner.left + place * width;
    return [
      rect('now', x + width * 0.14, y(current), width * 0.72, inner.bottom - y(current)),
      line('before', x + width * 0.04, y(reference), x + width * 0.96, y(reference)),
      ...(place % every === 0
        ? [text(x + (isNumeric ? width : width / 2), inner.bottom + 17, 'middle', labelOf(cell, isNumeric))]
        : []),
    ];
  });
  const base = line('axis', inner.left, inner.bottom, inner.right, inner.bottom);
  return figure(id, title, told, [...axisY(y, ticksOf({ low: 0, high }), share), ...parts, base, axisName(unit)]);
};
