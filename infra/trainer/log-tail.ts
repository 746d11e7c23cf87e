export type LogTail = { add(line: string): void; text(): string };

/** The last lines of a log, within a number of characters; a single line that is longer keeps its end. */
export const createLogTail = (limit: number): LogTail => {
  const lines: string[] = [];
  let size = 0;
  return {
    add: (line) => {
      const kept = line.length > limit ? line.slice(-limit) : line;
      lines.push(kept);
      size += kept.length + 1;
      while (size > limit && lines.length > 1) size -= (lines.shift() as string).length + 1;
    },
    text: () => lines.join('\n'),
  };
};
