/** Reads and writes NumPy's array files, float32 in row order only: what the features step hands to a trainer. */
import { readFile, writeFile } from 'node:fs/promises';

export type NpyArray = { readonly shape: number[]; readonly data: Float32Array };

/** Throws TypeError for a file of another kind of array. */
export const readNpy = async (file: string): Promise<NpyArray> => {
  const bytes = await readFile(file);
  if (bytes.length < 12 || bytes.toString('latin1', 1, 6) !== 'NUMPY')
    throw new TypeError(`Cannot read "${file}" as it must be an .npy file`);
  const [at, length] = bytes[6] === 1 ? [10, bytes.readUInt16LE(8)] : [12, bytes.readUInt32LE(8)];
  const header = bytes.toString('latin1', at, at + length);
  const shape = /'shape': \(([^)]*)\)/
    .exec(header)?.[1]
    ?.split(',')
    .filter((part) => part.trim() !== '')
    .map(Number);
  if (!/'descr': '<f4'/.test(header) || !/'fortran_order': False/.test(header) || shape === undefined) {
    throw new TypeError(
      `Cannot read "${file}" as it must hold little-endian float32 in row order: its header is ${header.trim()}`,
    );
  }
  const count = shape.reduce((product, size) => product * size, 1);
  const start = bytes.byteOffset + at + length;
  // The format pads its header, but a view needs its own alignment where the buffer starts elsewhere.
  const data =
    start % 4 === 0
      ? new Float32Array(bytes.buffer, start, count)
      : new Float32Array(bytes.buffer.slice(start, start + count * 4));
  return { shape, data };
};

export const writeNpy = async (file: string, shape: readonly number[], data: Float32Array): Promise<void> => {
  const text = `{'descr': '<f4', 'fortran_order': False, 'shape': (${shape.join(', ')}${shape.length === 1 ? ',' : ''}), }`;
  const length = Math.ceil((10 + text.length + 1) / 64) * 64 - 10;
  const header = Buffer.alloc(10);
  header.write('\x93NUMPY\x01\x00', 'latin1');
  header.writeUInt16LE(length, 8);
  const body = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  await writeFile(file, Buffer.concat([header, Buffer.from(`${text.padEnd(length - 1)}\n`, 'latin1'), body]));
};
