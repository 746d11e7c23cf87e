import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { listSources } from '../../../infra/sources/list.ts';
import { createOpenSource } from '../../../infra/sources/open.ts';
import { openS3 } from '../../../infra/sources/s3-source.ts';
import { testFolder } from '../../support/servers.ts';
import { s3Missing, s3TimeoutMs, type TestS3, testS3 } from '../../support/versitygw.ts';

const missing = await s3Missing();

describe.skipIf(missing !== null)('sources on S3', () => {
  const place = testFolder();
  let server: TestS3;
  const put = async (key: string, body: string): Promise<void> => {
    const client = openS3(server);
    await client.send(new PutObjectCommand({ Bucket: server.bucket, Key: key, Body: body }));
    client.destroy();
  };
  const list = (prefix: string) =>
    listSources({ source: { type: 'csv', path: `s3://${server.bucket}/${prefix}` }, sources: {} }, place.folder, {
      cacheFolder: place.folder,
      s3: server,
    });
  beforeAll(async () => {
    server = await testS3();
    await put('lake/flights/b.csv', 'a\n1\n');
    await put('lake/flights/2001/a.csv', 'a\n2\n');
    await put('lake/flights/readme.txt', 'no');
    await put('other/c.csv', 'a\n3\n');
  }, s3TimeoutMs);
  afterAll(async () => {
    await server.close();
    place.close();
  });

  it('lists the objects of a type under a prefix with their etags', async () => {
    const listing = await list('lake/flights/');
    expect(listing.sources['main']?.path).toBe(`s3://${server.bucket}/lake/flights/`);
    expect(listing.objects.map((object) => [object.key, object.bytes])).toEqual([
      ['2001/a.csv', 4],
      ['b.csv', 4],
    ]);
    expect(listing.objects[0]?.etag).toMatch(/^[0-9a-f]{32}/);
    expect(await list('lake/flights/')).toEqual(listing);
  });

  it('opens what it listed, and sees a change by its etag', async () => {
    const listing = await list('lake/flights/');
    const open = () =>
      createOpenSource({ cacheFolder: place.folder, s3: server })(listing.sources['main']?.path as string, 'b.csv', place.folder);
    const opened = await open();
    expect(readFileSync(opened.file, 'utf8')).toBe('a\n1\n');
    expect(opened).toMatchObject({ bytes: 4, etag: listing.objects[1]?.etag });
    await put('lake/flights/b.csv', 'a\n9\n');
    expect((await open()).etag).not.toBe(opened.etag);
    expect(opened.file.startsWith(join(place.folder))).toBe(true);
  });

  it('says what is not there', async () => {
    await expect(list('nothing/')).rejects.toMatchObject({ code: 'PRN_SOURCE_MISSING' });
    const open = createOpenSource({ cacheFolder: place.folder, s3: server })(
      `s3://${server.bucket}/lake/`,
      'gone.csv',
      place.folder,
    );
    await expect(open).rejects.toMatchObject({ code: 'PRN_SOURCE_MISSING' });
    const elsewhere = listSources({ source: { type: 'csv', path: 's3://no-such-bucket/x' }, sources: {} }, place.folder, {
      cacheFolder: place.folder,
      s3: server,
    });
    await expect(elsewhere).rejects.toMatchObject({ code: 'PRN_SOURCE_MISSING' });
  });
});
