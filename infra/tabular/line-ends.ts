/** Which line of a text ends otherwise than its first one: what a CSV reader stumbles over and does not name. */
import { createReadStream } from 'node:fs';
import { createGunzip } from 'node:zlib';

const [quote, lineFeed, carriageReturn] = [34, 10, 13];
type LineEnd = 'LF' | 'CRLF' | 'CR';
export type OddLine = { readonly line: number; readonly end: LineEnd; readonly others: LineEnd };

/** Takes bytes in order; gives the first odd line once it is known. Breaks inside quotes are part of a value. */
const createScan = () => {
  let [line, isQuoted, wasReturn] = [1, false, false];
  let first: LineEnd | null = null;
  const close = (end: LineEnd, endsRecord: boolean): OddLine | null => {
    const isOdd = endsRecord && first !== null && first !== end;
    if (endsRecord) first ??= end;
    line += 1;
    return isOdd ? { line: line - 1, end, others: first as LineEnd } : null;
  };
  return (byte: number | null): OddLine | null => {
    const [before, endsRecord] = [wasReturn, !isQuoted];
    wasReturn = byte === carriageReturn;
    if (byte === lineFeed) return close(before ? 'CRLF' : 'LF', endsRecord);
    const found = before ? close('CR', endsRecord) : null;
    if (byte === quote) isQuoted = !isQuoted;
    return found;
  };
};

/** Reads up to the line that is found; null where all lines end alike, but for the last, which may end with the file. */
export const findOddLine = async (file: string): Promise<OddLine | null> => {
  const source = createReadStream(file);
  const stream = /\.gz$/i.test(file) ? source.pipe(createGunzip()) : source;
  source.on('error', (error) => stream.destroy(error));
  const take = createScan();
  try {
    for await (const chunk of stream) {
      for (const byte of chunk as Buffer) {
        const found = take(byte);
        if (found !== null) return found;
      }
    }
    return take(null);
  } finally {
    source.destroy();
  }
};
