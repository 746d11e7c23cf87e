/** What names a place on S3, apart from the client: loading that costs 0.1 s, and most sources are local. */
export type S3Settings = {
  readonly endpoint: string | null;
  readonly region: string;
  /** Absent: the usual AWS chain. */
  readonly credentials?: { readonly accessKeyId: string; readonly secretAccessKey: string };
};
export type S3Address = { readonly bucket: string; readonly prefix: string };

/** "s3://bucket/prefix" to its halves; null for anything else. */
export const parseS3Address = (path: string): S3Address | null => {
  const match = /^s3:\/\/([^/]+)\/?(.*)$/.exec(path);
  return match ? { bucket: match[1] as string, prefix: match[2] as string } : null;
};

/** What the AWS chain ends with that has asked everybody: nothing was asked of the store. */
export const noCredentials = 'CredentialsProviderError';

/** Whether an error says that nobody gave credentials for a store, so that it could not be asked. */
export const lacksCredentials = ({ cause }: Error): boolean => cause instanceof Error && cause.name === noCredentials;
