/** Matrices as NumPy's .npy files: little-endian float32, row by row. Every trainer's language can read them. */
import { type FileHandle, open, readFile } from 'node:fs/promises';

export type NpyMatrix = {
  readonly rows: number;
  /** k; 1 for a vector `[n]`. */
  readonly columns: number;
  /** `[rows * columns]`, row by row. */
  readonly data: Float32Array;
};

const magic = Buffer.from('\x93NUMPY\x01\x00', 'latin1');
/** The header is padded so that the numbers start at a multiple of 64 bytes, as NumPy's own writer does. */
const alignment = 64;

const headerOf = (shape: readonly number[]): Buffer => {
  const shapeText = shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(', ')})`;
  const text = `{'descr': '<f4', 'fortran_order': False, 'shape': ${shapeText}, }`;
  const unpadded = magic.length + 2 + text.length + 1;
  const padding = (alignment - (unpadded % alignment)) % alignment;
  const body = Buffer.from(`${text}${' '.repeat(padding)}\n`, 'latin1');
  const length = Buffer.alloc(2);
  length.writeUInt16LE(body.length);
  return Buffer.concat([magic, length, body]);
};

/** Where the numbers of a .npy file start, and its shape, from its first bytes. Throws TypeError for another kind of file. */
export const parseNpyHeader = (bytes: Buffer, file: string): { start: number; shape: number[] } => {
  if (bytes.length < 12 || bytes.toString('latin1', 0, 6) !== '\x93NUMPY') {
    throw new TypeError(`Cannot read "${file}" as a matrix: it does not start as a .npy file does`);
  }
  const wide = (bytes[6] as number) >= 2;
  const start = wide ? 12 + bytes.readUInt32LE(8) : 10 + bytes.readUInt16LE(8);
  const header = bytes.toString('latin1', wide ? 12 : 10, start);
  const shape = /'shape':\s*\(([^)]*)\)/.exec(header)?.[1];
  const isReadable = /'descr':\s*'<f4'/.test(header) && /'fortran_order':\s*False/.test(header);
  if (shape === undefined || !isReadable) {
    throw new TypeError(
      `Cannot read "${file}" as a matrix: it must be little-endian float32, row by row: its header is ${header}`,
    );
  }
  return {
    start,
    shape: shape
      .split(',')
      .map((part) => part.trim())
      .filter((part) => part !== '')
      .map(Number),
  };
};

/**
 * Reads a float32 .npy file of one or two dimensions. Throws TypeError where it is another kind of file, or shorter or
 * longer than its header says. Keeps one copy of the numbers in memory.
 */
export const readNpy = async (file: string): Promise<NpyMatrix> => {
  const bytes = await readFile(file);
  const { start, shape } = parseNpyHeader(bytes, file);
  const [rows = 1, columns = 1] = shape;
  const length = rows * columns;
  if (shape.length > 2 || bytes.length - start !== length * 4) {
    throw new TypeError(
      `Cannot read "${file}" as a matrix of ${shape.join(' x ')}: it holds ${bytes.length - start} bytes of numbers`,
    );
  }
  const offset = bytes.byteOffset + start;
  const data =
    offset % 4 === 0
      ? new Float32Array(bytes.buffer, offset, length)
      : new Float32Array(Uint8Array.from(bytes.subarray(start)).buffer);
  return { rows, columns, data };
};

export type NpyWriter = {
  /** Appends whole rows. The array may be used again once the promise is fulfilled. */
  write(numbers: Float32Array): Promise<void>;
  /** Ends the file; throws where fewer or more numbers came than the shape says. */
  close(): Promise<void>;
};

const writeAll = async (handle: FileHandle, bytes: Uint8Array): Promise<void> => {
  for (let written = 0; written < bytes.length; ) {
    written += (await handle.write(bytes, written, bytes.length - written)).bytesWritten;
  }
};

/** Starts a .npy file of a known shape, `[n]` or `[n, k]`; rows are then streamed into it. */
export const createNpyWriter = async (file: string, shape: readonly [number] | readonly [number, number]): Promise<NpyWriter> => {
  const handle = await open(file, 'wx', 0o600);
  const expected = shape.reduce<number>((product, side) => product * side, 1);
  let count = 0;
  await writeAll(handle, headerOf(shape));
  return {
    write: async (numbers) => {
      count += numbers.length;
      await writeAll(handle, new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength));
    },
    close: async () => {
      await handle.close();
      if (count !== expected)
        throw new RangeError(`Cannot end "${file}" as ${expected} numbers must be in it: there are ${count}`);
    },
  };
};
