/** Some rows of a .npy matrix at a time, for matrices that need not be in memory as a whole. */
import { open } from 'node:fs/promises';
import { parseNpyHeader } from './npy.ts';

export type NpyRows = {
  readonly rows: number;
  readonly columns: number;
  /** Rows `from` to `from + count`, row by row: `[count * columns]`. */
  read(from: number, count: number): Promise<Float32Array>;
  close(): Promise<void>;
};

/** Headers are a few hundred bytes; NumPy itself refuses larger ones. */
const headerBytes = 10_000;

/** Opens a float32 .npy file `[n]` or `[n, k]`. Throws TypeError for another kind of file, or one that is cut off. */
export const openNpyRows = async (file: string): Promise<NpyRows> => {
  const handle = await open(file, 'r');
  try {
    const head = Buffer.alloc(headerBytes);
    const { bytesRead } = await handle.read(head, 0, headerBytes, 0);
    const { start, shape } = parseNpyHeader(head.subarray(0, bytesRead), file);
    const [rows = 1, columns = 1] = shape;
    const { size } = await handle.stat();
    if (size !== start + rows * columns * 4)
      throw new TypeError(`Cannot read "${file}" as ${rows} x ${columns}: it has ${size} bytes`);
    return {
      rows,
      columns,
      read: async (from, count) => {
        if (from < 0 || from + count > rows) throw new RangeError(`Cannot read rows ${from} to ${from + count} of ${rows}`);
        const numbers = new Float32Array(count * columns);
        const bytes = new Uint8Array(numbers.buffer);
        for (let read = 0; read < bytes.length; ) {
          read += (await handle.read(bytes, read, bytes.length - read, start + from * columns * 4 + read)).bytesRead;
        }
        return numbers;
      },
      close: () => handle.close(),
    };
  } catch (error) {
    await handle.close();
    throw error;
  }
};
