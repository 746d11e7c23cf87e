import { createReadStream } from 'node:fs';
import { createGunzip } from 'node:zlib';

/** The beginning of a file, unpacked where it is gzip: piece by piece, until what was read so far is enough. */
export const readStart = async (file: string, isEnough: (bytes: number, chunk: Buffer) => boolean): Promise<Buffer> => {
  const source = createReadStream(file);
  const stream = /\.gz$/i.test(file) ? source.pipe(createGunzip()) : source;
  source.on('error', (error) => stream.destroy(error));
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of stream) {
    chunks.push(chunk as Buffer);
    bytes += (chunk as Buffer).length;
    if (isEnough(bytes, chunk as Buffer)) break;
  }
  source.destroy();
  return Buffer.concat(chunks);
};
