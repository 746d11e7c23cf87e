import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { HeadObjectCommand, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import { PerennialError } from '#domain/errors.ts';
import type { Sha256 } from '#domain/units.ts';

export type Place = { readonly Bucket: string; readonly Key: string };
/** What is written. With a digest, what goes out must have it. */
export type Body = Uint8Array | { readonly file: string; readonly sha256: Sha256 | null };

const mebibyte = 1 << 20;
/** Up to here one request is simpler and faster than three. */
const singleRequestBytes = 16 * mebibyte;
/** S3 allows 10,000 parts; four of them are in memory at once. */
const smallestPartBytes = 8 * mebibyte;
const mostParts = 9_000;

const requireDigest = (file: string, is: string, expected: Sha256 | null): void => {
  if (expected === null || is === expected) return;
  throw new PerennialError(
    'PRN_SOURCE_CHANGED',
    `Cannot store "${file}" as it must not change meanwhile: its digest was "${expected}" and is "${is}"`,
  );
};

/** Throws before its end where the file is not what was hashed: the last part then never leaves, and nothing gets its name. */
async function* checked(file: string, expected: Sha256 | null): AsyncGenerator<Buffer> {
  const hash = createHash('sha256');
  let held: Buffer | null = null;
  for await (const chunk of createReadStream(file, { highWaterMark: mebibyte }) as AsyncIterable<Buffer>) {
    hash.update(chunk);
    if (held) yield held;
    held = chunk;
  }
  requireDigest(file, hash.digest('hex'), expected);
  if (held) yield held;
}

/** If-None-Match makes the store refuse to overwrite; the checksum makes it refuse damaged bytes. */
const putWhole = async (client: S3Client, place: Place, bytes: Uint8Array): Promise<void> => {
  const ChecksumSHA256 = createHash('sha256').update(bytes).digest('base64');
  await client.send(new PutObjectCommand({ ...place, Body: bytes, IfNoneMatch: '*', ChecksumSHA256 }));
};

const putInParts = async (client: S3Client, place: Place, file: string, size: number, sha256: Sha256 | null): Promise<void> => {
  const Body = Readable.from(checked(file, sha256), { objectMode: false });
  const partSize = Math.max(smallestPartBytes, Math.ceil(size / mostParts));
  const params = { ...place, Body, IfNoneMatch: '*', ChecksumAlgorithm: 'SHA256', ContentLength: size } as const;
  try {
    await new Upload({ client, params, partSize, queueSize: 4 }).done();
  } finally {
    Body.destroy();
  }
};

/** A completed upload may have been answered with 200 and an error in it: look at what is there. */
const requireSize = async (client: S3Client, place: Place, bytes: number): Promise<void> => {
  const { ContentLength } = await client.send(new HeadObjectCommand(place));
  if (ContentLength === bytes) return;
  throw new PerennialError(
    'PRN_OBJECT_CORRUPT',
    `Cannot write object "${place.Key}" whole: ${ContentLength} of ${bytes} bytes are there`,
  );
};

/** Writes an object whose key is free; rejects as S3 does where it is not. */
export const upload = async (client: S3Client, place: Place, body: Body): Promise<void> => {
  if (body instanceof Uint8Array) {
    await putWhole(client, place, body);
    return await requireSize(client, place, body.length);
  }
  const { size } = await stat(body.file);
  if (size > singleRequestBytes) {
    await putInParts(client, place, body.file, size, body.sha256);
    return await requireSize(client, place, size);
  }
  const bytes = await readFile(body.file);
  requireDigest(body.file, createHash('sha256').update(bytes).digest('hex'), body.sha256);
  await putWhole(client, place, bytes);
  await requireSize(client, place, bytes.length);
};
