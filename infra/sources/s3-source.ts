import { createWriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { GetObjectCommand, paginateListObjectsV2, S3Client, S3ServiceException } from '@aws-sdk/client-s3';
import { PerennialError } from '#domain/errors.ts';
import { endings } from './directory.ts';
import { noCredentials, parseS3Address, type S3Address, type S3Settings } from './s3-address.ts';

export type S3Object = { readonly key: string; readonly bytes: number; readonly etag: string };

export const openS3 = (settings: S3Settings): S3Client =>
  new S3Client({
    region: settings.region,
    ...(settings.credentials === undefined ? {} : { credentials: settings.credentials }),
    ...(settings.endpoint === null ? {} : { endpoint: settings.endpoint, forcePathStyle: true }),
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
  });

/** Turns the SDK's failures into ours: what is not there is final, everything else may mend. */
const explain = (address: string, cause: unknown): PerennialError => {
  if (cause instanceof PerennialError) return cause;
  const name = cause instanceof S3ServiceException ? cause.name : '';
  if (name === 'NoSuchBucket') {
    const bucket = parseS3Address(address)?.bucket;
    return new PerennialError('PRN_SOURCE_MISSING', `Cannot read "${address}" as the store has no bucket "${bucket}"`, { cause });
  }
  if (cause instanceof Error && cause.name === noCredentials) {
    const way = 'set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE';
    return new PerennialError('PRN_UNREACHABLE', `Cannot read "${address}" as there are no credentials for it: ${way}`, {
      cause,
    });
  }
  if (name === 'NoSuchKey' || name === 'NotFound')
    return new PerennialError('PRN_SOURCE_MISSING', `Cannot read "${address}" as the store has no such object`, { cause });
  if (name === 'PreconditionFailed')
    return new PerennialError('PRN_SOURCE_CHANGED', `Cannot read "${address}" as it changed while it was read`, { cause });
  return new PerennialError('PRN_UNREACHABLE', `Cannot read "${address}" as the store answers "${String(cause)}"`, { cause });
};

/** Objects under an address that belong to a source of a type, by key in code-unit order. */
export const listS3 = async (client: S3Client, path: string, type: string): Promise<{ root: string; objects: S3Object[] }> => {
  const { bucket, prefix } = parseS3Address(path) as S3Address;
  const objects: S3Object[] = [];
  try {
    for await (const page of paginateListObjectsV2({ client }, { Bucket: bucket, Prefix: prefix }))
      for (const object of page.Contents ?? []) {
        const name = object.Key?.split('/').pop() ?? '';
        if (name === '' || name.startsWith('.') || !(endings[type] as RegExp).test(name)) continue;
        objects.push({ key: object.Key as string, bytes: Number(object.Size), etag: (object.ETag ?? '').replaceAll('"', '') });
      }
  } catch (cause) {
    throw explain(path, cause);
  }
  if (objects.length === 0)
    throw new PerennialError('PRN_SOURCE_MISSING', `Cannot list source "${path}" as it holds no object of type "${type}"`);
  // Keys are relative to the last "/" of the prefix, so that a prefix may also be the beginning of a name.
  const base = prefix.slice(0, prefix.lastIndexOf('/') + 1);
  const relative = objects.map((object) => ({ ...object, key: object.key.slice(base.length) }));
  return { root: `s3://${bucket}/${base}`, objects: relative.sort((a, b) => (a.key < b.key ? -1 : 1)) };
};

/** Brings one object, or so many bytes of its beginning, to a local file, or nothing of it, and says which version it was. */
export const downloadS3 = async (
  client: S3Client,
  address: string,
  key: string,
  file: string,
  startBytes: number | null = null,
): Promise<{ etag: string; bytes: number }> => {
  const { bucket, prefix } = parseS3Address(address) as S3Address;
  try {
    const range = startBytes === null ? {} : { Range: `bytes=0-${startBytes - 1}` };
    const answer = await client.send(new GetObjectCommand({ Bucket: bucket, Key: `${prefix}${key}`, ...range }));
    await pipeline(answer.Body as Readable, createWriteStream(file, { mode: 0o600 }));
    return { etag: (answer.ETag ?? '').replaceAll('"', ''), bytes: Number(answer.ContentLength) };
  } catch (cause) {
    await rm(file, { force: true });
    throw explain(`${address}${key}`, cause);
  }
};
