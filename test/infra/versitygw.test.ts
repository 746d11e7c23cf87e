import { GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { expect, test } from 'vitest';
import { s3Missing, s3TimeoutMs, testS3 } from '../support/versitygw.ts';

test('the S3 server of the tests creates an object once', { timeout: s3TimeoutMs }, async (context) => {
  const missing = await s3Missing();
  if (missing !== null) context.skip(missing);
  const s3 = await testS3();
  const client = new S3Client({ endpoint: s3.endpoint, region: s3.region, credentials: s3.credentials, forcePathStyle: true });
  const put = (body: string) =>
    client.send(new PutObjectCommand({ Bucket: s3.bucket, Key: 'a/b', Body: body, IfNoneMatch: '*' }));
  await put('first');
  await expect(put('second')).rejects.toMatchObject({ $metadata: { httpStatusCode: 412 } });
  const { Body } = await client.send(new GetObjectCommand({ Bucket: s3.bucket, Key: 'a/b' }));
  expect(await Body?.transformToString()).toBe('first');
  await s3.close();
});
