import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createNpyWriter, readNpy } from '../../../infra/features/npy.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'perennial-npy-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const write = async (name: string, shape: [number] | [number, number], ...chunks: number[][]): Promise<string> => {
  const file = join(folder, name);
  const writer = await createNpyWriter(file, shape);
  for (const chunk of chunks) await writer.write(Float32Array.from(chunk));
  await writer.close();
  return file;
};

describe('.npy files', () => {
  it('give back what was streamed into them, missing values and all', async () => {
    const matrix = await readNpy(await write('matrix.npy', [3, 2], [1, Number.NaN], [-0, 4, 5, 6]));
    expect([matrix.rows, matrix.columns, [...matrix.data]]).toEqual([3, 2, [1, Number.NaN, -0, 4, 5, 6]]);
    const vector = await readNpy(await write('vector.npy', [2], [7, 8]));
    expect([vector.rows, vector.columns, [...vector.data]]).toEqual([2, 1, [7, 8]]);
    const empty = await readNpy(await write('empty.npy', [0, 5]));
    expect([empty.rows, empty.columns, empty.data.length]).toEqual([0, 5, 0]);
  });
  it('have the header that NumPy writes', async () => {
    const bytes = readFileSync(await write('header.npy', [1, 3], [1, 2, 3]));
    expect(bytes.subarray(0, 8)).toEqual(Buffer.from([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0]));
    const header = bytes.toString('latin1', 10, 10 + bytes.readUInt16LE(8));
    expect(header.trimEnd()).toBe("{'descr': '<f4', 'fortran_order': False, 'shape': (1, 3), }");
    expect([header.at(-1), (10 + header.length) % 64, bytes.length]).toEqual(['\n', 0, 10 + header.length + 12]);
  });
  it('refuse to end short or long, and to be written over', async () => {
    await expect(write('short.npy', [2, 2], [1, 2])).rejects.toThrow(/4 numbers must be in it: there are 2/);
    await expect(write('long.npy', [1], [1, 2])).rejects.toThrow(/1 numbers must be in it: there are 2/);
    await expect(write('short.npy', [1], [1])).rejects.toMatchObject({ code: 'EEXIST' });
  });
  it('are not read where they are something else, or cut', async () => {
    const file = join(folder, 'other.npy');
    writeFileSync(file, 'not a matrix');
    await expect(readNpy(file)).rejects.toThrow(/does not start as/);
    const whole = readFileSync(await write('whole.npy', [2], [1, 2]));
    writeFileSync(file, whole.subarray(0, -1));
    await expect(readNpy(file)).rejects.toThrow(/it holds 7 bytes/);
    writeFileSync(file, Buffer.from(whole.toString('latin1').replace('<f4', '<f8'), 'latin1'));
    await expect(readNpy(file)).rejects.toThrow(/must be little-endian float32/);
  });
});
