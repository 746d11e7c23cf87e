/** Some rows of a .npy matrix at a time, for matrices that need not be in memory as a whole. */
import { open } from 'node:fs/promises';

export type NpyRows = {
  readonly rows: number;
  readonly columns: number;
  /** Rows `from` to `from + count`, row by row: `[count * columns]`. */
  read(from: number, count: number): Promise<Float32Array>;
  close(): Promise<void>;
};

/** Headers are a few hundred bytes; NumPy itself refuses larger ones. */
const headerBytes = 10_000;

const parseShape = (bytes: Buffer, file: string): { start: number; rows: number; columns: number } => {
  const wide = (bytes[6] ?? 0) >= 2;
  const start = wide ? 12 + bytes.readUInt32LE(8) : 10 + bytes.readUInt16LE(8);
  const header = bytes.toString('latin1', wide ? 12 : 10, start);
  const shape = /'descr':\s*'<f4'.*'fortran_order':\s*False.*'shape':\s*\(([^)]*)\)/.exec(header)?.[1];
  if (bytes.toString('latin1', 0, 6) !== '\x93NUMPY' || shape === undefined) {
    throw new TypeError(`Cannot read "${file}" as a matrix: it must be little-endian float32, row by row`);
  }
  const [rows = 1, columns = 1] = shape
    .split(',')
    .filter((part) => part.trim() !== '')
    .map(Number);
  return { start, rows, columns };
};

/** Opens a float32 .npy file `[n]` or `[n, k]`. Throws TypeError for another kind of file, or one that is cut off. */
export const openNpyRows = async (file: string): Promise<NpyRows> => {
  const handle = await open(file, 'r');
  try {
    const head = Buffer.alloc(headerBytes);
    const { bytesRead } = await handle.read(head, 0, headerBytes, 0);
    const { start, rows, columns } = parseShape(head.subarray(0, Math.max(12, bytesRead)), file);
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
