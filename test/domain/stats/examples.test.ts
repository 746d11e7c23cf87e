/** The examples of the doc comments, executed: a comment that lies fails here. */
import { globSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { runInNewContext } from 'node:vm';
import { describe, expect, test } from 'vitest';
import { expectRelative } from './tolerance.ts';

const folder = resolve(import.meta.dirname, '../../../workflows/domain/stats');
const files = globSync('**/*.ts', { cwd: folder }).sort();
const exported = Object.assign({}, ...(await Promise.all(files.map((file) => import(join(folder, file)))))) as object;

const examples = files.flatMap((file) =>
  [...readFileSync(join(folder, file), 'utf8').matchAll(/@example (.+?) \/\/ (.+)$/gm)].map(([, call, answer]) => ({
    file,
    call,
    answer,
  })),
);

const numbersOf = (text: string): number[] => [...text.matchAll(/-?\d+(\.\d+)?(e-?\d+)?/g)].map(([number]) => Number(number));
/** "0.0470310274..." promises the digits it shows. */
const toleranceOf = (text: string): number => {
  const shown = /0*\.?0*(\d[\d.]*)\.\.\./.exec(text)?.[1]?.replace('.', '').length;
  return shown === undefined ? 1e-12 : 10 ** (1 - shown);
};

describe('examples of the statistics', () => {
  test('there are some', () => expect(examples.length).toBeGreaterThan(20));

  test.each(examples)('$call // $answer', ({ call, answer }) => {
    const found: unknown = runInNewContext(call as string, { ...exported });
    const text = answer as string;
    if (/^\w+Array \[/.test(text)) expect([...(found as Iterable<number>)]).toEqual(numbersOf(text.slice(text.indexOf('['))));
    else expectRelative(found as number, numbersOf(text)[0] as number, toleranceOf(text));
  });
});
