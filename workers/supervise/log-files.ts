/** Reads the logs of supervised processes. */
import { existsSync, readdirSync, readFileSync, watch } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';

const suffix = '.log';

export const listLogs = (folder: string): string[] =>
  existsSync(folder)
    ? readdirSync(folder)
        .filter((file) => file.endsWith(suffix))
        .map((file) => file.slice(0, -suffix.length))
        .sort()
    : [];

export const lastLines = (folder: string, log: string, count: number): string[] => {
  const lines = readFileSync(join(folder, `${log}${suffix}`), 'utf8').split('\n');
  if (lines.at(-1) === '') lines.pop();
  return count === 0 ? [] : lines.slice(-count);
};

/** Reads what was added to a file since the last call; begins anew where the file was set aside. */
const createReader = (file: string, from: number): (() => Promise<string[]>) => {
  let position = from;
  let unfinished = '';
  return async () => {
    const handle = await open(file, 'r');
    try {
      const { size } = await handle.stat();
      if (size < position) position = 0;
      const { bytesRead, buffer } = await handle.read(Buffer.alloc(size - position), 0, size - position, position);
      position += bytesRead;
      const lines = `${unfinished}${buffer.subarray(0, bytesRead).toString('utf8')}`.split('\n');
      unfinished = lines.pop() ?? '';
      return lines;
    } finally {
      await handle.close();
    }
  };
};

const sizeOf = (file: string): number => readFileSync(file).byteLength;

/** Shows lines as they come. Ends when `signal` aborts; without one, with the process. */
export const followLogs = async (
  folder: string,
  logs: readonly string[],
  onLine: (log: string, line: string) => void,
  signal?: AbortSignal,
): Promise<void> => {
  const files = new Map(logs.map((log) => [`${log}${suffix}`, log]));
  const readers = new Map([...files.keys()].map((file) => [file, createReader(join(folder, file), sizeOf(join(folder, file)))]));
  // One read at a time: two at once would show lines twice.
  let turn = Promise.resolve();
  const readAll = async (file: string): Promise<void> => {
    for (const line of (await readers.get(file)?.()) ?? []) onLine(files.get(file) ?? file, line);
  };
  const watcher = watch(folder, { ...(signal === undefined ? {} : { signal }) }, (_event, file) => {
    if (file === null || !readers.has(file)) return;
    turn = turn.then(() => readAll(file)).catch(() => {});
  });
  await new Promise<void>((resolve) => watcher.once('close', resolve));
  await turn;
};
