import { createHash } from 'node:crypto';
import { appendFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  CreateMultipartUploadCommand,
  ListMultipartUploadsCommand,
  ListPartsCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createContentStore } from '../../../infra/objects/content-store.ts';
import { objectKeys } from '../../../infra/objects/keys.ts';
import { openObjectStore } from '../../../infra/objects/open.ts';
import { abandonOldUploads } from '../../../infra/objects/s3-sweep.ts';
import { upload } from '../../../infra/objects/s3-upload.ts';
import type { Sha256 } from '../../../workflows/domain/units.ts';
import { testFolder } from '../../support/servers.ts';
import { s3Missing, s3TimeoutMs, type TestS3, testS3 } from '../../support/versitygw.ts';
import { describeObjectStore } from './store-contract.ts';

const missing = await s3Missing();

/** The store takes its credentials where every AWS program does. */
const useCredentials = (server: TestS3): void => {
  process.env['AWS_ACCESS_KEY_ID'] = server.credentials.accessKeyId;
  process.env['AWS_SECRET_ACCESS_KEY'] = server.credentials.secretAccessKey;
};

const clientOf = ({ endpoint, region, credentials }: TestS3): S3Client =>
  new S3Client({ endpoint, region, credentials, forcePathStyle: true });

const settingsOf = ({ endpoint, region, bucket }: TestS3, prefix: string) =>
  ({ kind: 's3', endpoint, region, bucket, prefix }) as const;

/** Parts of an upload that has no end yet. */
const hasParts = async (client: S3Client, Bucket: string, Key: string): Promise<boolean> => {
  const { Uploads } = await client.send(new ListMultipartUploadsCommand({ Bucket }));
  const UploadId = Uploads?.find((one) => one.Key === Key)?.UploadId;
  if (UploadId === undefined) return false;
  const { Parts } = await client.send(new ListPartsCommand({ Bucket, Key, UploadId }));
  return (Parts ?? []).length > 0;
};

describe.skipIf(missing !== null)(`S3${missing === null ? '' : ` (${missing})`}`, () => {
  describeObjectStore(
    'a bucket',
    async () => {
      const server = await testS3();
      useCredentials(server);
      const client = clientOf(server);
      const place = (key: string) => ({ Bucket: server.bucket, Key: `team/models/${key}` });
      return {
        settings: settingsOf(server, 'team/models'),
        decidesRaces: false,
        longWrite: 128_000_000,
        damage: async (key, bytes) => {
          await client.send(new PutObjectCommand({ ...place(key), Body: bytes }));
        },
        isBeingWritten: (key) => hasParts(client, server.bucket, place(key).Key),
        close: async () => {
          client.destroy();
          await server.close();
        },
      };
    },
    s3TimeoutMs,
  );

  describe('a bucket store', () => {
    const { folder, close } = testFolder();
    let server: TestS3;
    beforeAll(async () => {
      server = await testS3();
      useCredentials(server);
    }, s3TimeoutMs);
    afterAll(async () => {
      await server.close();
      close();
    });

    it('fetches a cached file again that was damaged', async () => {
      const content = createContentStore(openObjectStore(settingsOf(server, '')), join(folder, 'cache'));
      const sha256 = await content.putBytes(Buffer.from('cached'));
      const file = await content.localFile(sha256);
      await writeFile(file, 'c4ched');
      expect(await content.localFile(sha256)).toBe(file);
      expect(createHash('sha256').update('cached').digest('hex')).toBe(sha256);
      expect(await content.getBytes(sha256)).toEqual(Buffer.from('cached'));
    });

    it.each([1_000, 40_000_000])('names nothing where a file of %d bytes changes after it was hashed', async (bytes) => {
      const file = join(folder, `changing-${bytes}`);
      await writeFile(file, Buffer.alloc(bytes));
      const sha256 = createHash('sha256').update(Buffer.alloc(bytes)).digest('hex') as Sha256;
      await appendFile(file, 'more');
      const client = clientOf(server);
      const place = { Bucket: server.bucket, Key: objectKeys.content(sha256) };
      await expect(upload(client, place, { file, sha256 })).rejects.toMatchObject({ code: 'PRN_SOURCE_CHANGED' });
      client.destroy();
      expect(await openObjectStore(settingsOf(server, '')).stat(place.Key)).toBeNull();
    });

    it.each([1_000, 40_000_000])('is told by the store that a key of %d bytes is taken', async (bytes) => {
      const file = join(folder, `taken-${bytes}`);
      await writeFile(file, Buffer.alloc(bytes));
      const client = clientOf(server);
      const place = { Bucket: server.bucket, Key: `taken/${bytes}` };
      await upload(client, place, { file, sha256: null });
      await expect(upload(client, place, { file, sha256: null })).rejects.toMatchObject({ $metadata: { httpStatusCode: 412 } });
      client.destroy();
    });

    it('abandons uploads whose writers were killed, and no younger ones', async () => {
      const client = clientOf(server);
      const place = { Bucket: server.bucket, Key: 'killed/one' };
      const begun = await client.send(new CreateMultipartUploadCommand(place));
      expect(await abandonOldUploads(client, { bucket: server.bucket, prefix: 'killed/' }, 60_000)).toBe(0);
      expect(await abandonOldUploads(client, { bucket: server.bucket, prefix: 'else/' }, -1_000)).toBe(0);
      expect(await abandonOldUploads(client, { bucket: server.bucket, prefix: 'killed/' }, -1_000)).toBe(1);
      await expect(client.send(new ListPartsCommand({ ...place, UploadId: begun.UploadId }))).rejects.toThrow(/upload/i);
      client.destroy();
    });

    it('says which bucket is missing', async () => {
      const store = openObjectStore({ ...settingsOf(server, ''), bucket: 'no-such-bucket' });
      await expect(store.createOnce('a', Buffer.from('x'))).rejects.toMatchObject({
        code: 'PRN_CONFIG_INVALID',
        message: expect.stringContaining('bucket must exist'),
      });
    });

    it('says that credentials are refused', async () => {
      const before = process.env['AWS_SECRET_ACCESS_KEY'];
      process.env['AWS_SECRET_ACCESS_KEY'] = 'wrong';
      const store = openObjectStore(settingsOf(server, ''));
      await expect(store.read('a')).rejects.toMatchObject({ code: 'PRN_CONFIG_INVALID' });
      process.env['AWS_SECRET_ACCESS_KEY'] = before;
    });

    it('says that nobody answers', async () => {
      const store = openObjectStore({ ...settingsOf(server, ''), endpoint: 'http://127.0.0.1:1' });
      await expect(store.read('a')).rejects.toMatchObject({ code: 'PRN_UNREACHABLE' });
    });
  });
});
