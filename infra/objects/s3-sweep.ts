import { AbortMultipartUploadCommand, ListMultipartUploadsCommand, type S3Client } from '@aws-sdk/client-s3';

/**
 * Removes the parts of uploads that were begun longer ago and have no end: their writers were killed. They are under
 * no key, but they are paid for. Returns how many there were; one page is enough, the rest comes next time.
 */
export const abandonOldUploads = async (
  client: S3Client,
  { bucket, prefix }: { readonly bucket: string; readonly prefix: string },
  olderThanMs: number,
): Promise<number> => {
  const limit = Date.now() - olderThanMs;
  const { Uploads } = await client.send(new ListMultipartUploadsCommand({ Bucket: bucket, Prefix: prefix }));
  const old = (Uploads ?? []).filter(({ Initiated }) => Initiated !== undefined && Initiated.getTime() <= limit);
  for (const { Key, UploadId } of old) {
    await client.send(new AbortMultipartUploadCommand({ Bucket: bucket, Key, UploadId }));
  }
  return old.length;
};
