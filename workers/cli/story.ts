/** Tells the demo as it happens: people on a terminal, or nobody (with --json only the document at the end). */
import { paint } from './output.ts';

export type Story = {
  readonly startedAt: number;
  /** Where it is told; colours follow what this stream can show. */
  readonly out: NodeJS.WriteStream;
  /** A chapter's heading. */
  chapter(title: string): void;
  /** A line of what just happened. */
  say(text: string): void;
  /** A line that explains, in a quieter voice. */
  aside(text: string): void;
  /** A table, printed as it is. */
  block(text: string): void;
};

const seconds = (since: number): string => `${((performance.now() - since) / 1000).toFixed(1).padStart(6)} s`;

export const createStory = (out: NodeJS.WriteStream): Story => {
  const startedAt = performance.now();
  const write = (text: string): void => void out.write(`${text}\n`);
  return {
    startedAt,
    out,
    chapter: (title) => write(`\n${paint('bold', title, out)}`),
    say: (text) => write(`${paint('dim', seconds(startedAt), out)}  ${text}`),
    aside: (text) => write(`${' '.repeat(10)}${paint('dim', text, out)}`),
    block: (text) => write(text.replace(/^/gm, '          ')),
  };
};
