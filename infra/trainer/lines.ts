import { StringDecoder } from 'node:string_decoder';

/** A longer line is cut: progress lines are short, and a program that prints a gigabyte without a newline must not fill memory. */
const lineLimit = 65_536;

export type LineReader = { write(chunk: Buffer): void; end(): void };

/** Cuts a stream of bytes into lines. Half characters at the edge of a chunk are kept; a last line without newline counts. */
export const createLineReader = (onLine: (line: string) => void): LineReader => {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  const take = (text: string): void => {
    const lines = (rest + text).split('\n');
    rest = (lines.pop() ?? '').slice(0, lineLimit);
    for (const line of lines) onLine(line.slice(0, lineLimit).replace(/\r$/, ''));
  };
  return {
    write: (chunk) => take(decoder.write(chunk)),
    end: () => {
      take(decoder.end());
      if (rest !== '') onLine(rest);
      rest = '';
    },
  };
};
