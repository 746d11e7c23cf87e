import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { findOddLine } from '../../../infra/tabular/line-ends.ts';
import { testFolder } from '../../support/servers.ts';

const { folder } = testFolder();
const find = (text: string, pack: (text: string) => string | Buffer = (plain) => plain, name = 'lines.csv') => {
  writeFileSync(join(folder, name), pack(text));
  return findOddLine(join(folder, name));
};

describe('findOddLine()', () => {
  test.each([
    ['a\nb\r\nc\n', { line: 2, end: 'CRLF', others: 'LF' }],
    ['a\r\nb\r\nc\nd\n', { line: 3, end: 'LF', others: 'CRLF' }],
    ['a\r\nb\rc\r\n', { line: 2, end: 'CR', others: 'CRLF' }],
    ['a\nb\r', { line: 2, end: 'CR', others: 'LF' }],
    ['a,"one\nvalue"\r\nb\n', { line: 3, end: 'LF', others: 'CRLF' }],
  ])('%j', async (text, odd) => {
    expect(await find(text)).toEqual(odd);
  });

  test.each(['', 'a', 'a\nb', 'a\r\nb\r\n', 'a\rb\r', 'a,"two\r\n""kinds""\nof break"\r\nb\r\n'])(
    'has nothing to say of %j',
    async (text) => {
      expect(await find(text)).toBeNull();
    },
  );

  test('looks on beyond the first piece that it reads, and into packed files', async () => {
    // The pieces are of 64 KiB: the break of one line lies across two of them.
    const text = `${'x'.repeat(65_535)}\r\n${'y\r\n'.repeat(50_000)}z\n`;
    const odd = { line: 50_002, end: 'LF', others: 'CRLF' };
    expect(await find(text)).toEqual(odd);
    expect(await find(text, gzipSync, 'lines.csv.gz')).toEqual(odd);
  });
});
