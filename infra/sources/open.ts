import { join } from 'node:path';
import { PerennialError } from '#domain/errors.ts';
import { sha256Of } from '../objects/digest.ts';
import { openDigestCache } from './digest-cache.ts';
import { parseS3Address, type S3Settings } from './s3-address.ts';

/** See `OpenSource` in activities/deps.ts. */
type OpenSource = (
  address: string,
  key: string,
  folder: string,
) => Promise<{ readonly file: string; readonly etag: string; readonly bytes: number }>;

/** The ending survives, because readers choose their decompression by it. */
export const endingOf = (key: string): string => /(\.[a-z0-9]+){1,2}$/i.exec(key)?.[0] ?? '';

/** Opens source objects for reading; the counterpart of `listSources`, with the same etags. */
export const createOpenSource = (options: { readonly cacheFolder: string; readonly s3: S3Settings }): OpenSource => {
  const openLocal: OpenSource = async (address, key) => {
    const file = join(address, key);
    const cache = await openDigestCache(options.cacheFolder, address);
    const { sha256, bytes } = await cache.digest(file).catch((cause) => {
      throw new PerennialError('PRN_SOURCE_MISSING', `Cannot read "${file}" as it cannot be opened: ${cause.message}`, { cause });
    });
    return { file, etag: `sha256:${sha256}`, bytes };
  };
  return async (address, key, folder) => {
    if (parseS3Address(address) === null) return openLocal(address, key, folder);
    const file = join(folder, `${sha256Of(key).slice(0, 24)}${endingOf(key)}`);
    const { downloadS3, openS3 } = await import('./s3-source.ts');
    const client = openS3(options.s3);
    try {
      return { file, ...(await downloadS3(client, address, key, file)) };
    } finally {
      client.destroy();
    }
  };
};
