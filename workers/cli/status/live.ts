/** `--watch`: redrawn in place on a terminal; elsewhere a line for each one that changed. */

import { stripVTControlCharacters } from 'node:util';

export type Frames = { show(lines: readonly string[]): void };

/** What does not fit is left out and counted: a frame higher than the screen could not be erased. */
const fit = (lines: readonly string[], rows: number): readonly string[] =>
  lines.length < rows
    ? lines
    : [...lines.slice(0, Math.max(1, rows - 2)), `… ${lines.length - Math.max(1, rows - 2)} more lines: name one pipeline`];

/** Writes over the frame before; one write a frame, so that nothing flickers. */
export const createRedrawn = (stream: NodeJS.WriteStream): Frames => {
  let drawn = 0;
  return {
    show: (lines) => {
      const shown = fit(lines, stream.rows || 24);
      const erase = drawn === 0 ? '' : `\u001b[${drawn}A\u001b[0J`;
      stream.write(`${erase}${shown.map((line) => `${line}\n`).join('')}`);
      drawn = shown.length;
    },
  };
};

/** Lines that were not in the frame before, but for ages that merely grew: those would change with every look. */
export const createAppended = (write: (line: string) => void): Frames => {
  let before = new Set<string>();
  const meaning = (line: string): string => stripVTControlCharacters(line).replace(/\b\d+ (s|min|h|days?)\b/g, '…');
  return {
    show: (lines) => {
      for (const line of lines) if (line !== '' && !before.has(meaning(line))) write(line);
      before = new Set(lines.map(meaning));
    },
  };
};
