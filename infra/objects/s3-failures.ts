import { PerennialError } from '#domain/errors.ts';
import { systemCode } from './failures.ts';

type S3Failure = { name?: string; message?: string; $metadata?: { httpStatusCode?: number } };

export const s3Status = (error: unknown): number => (error as S3Failure | null)?.$metadata?.httpStatusCode ?? 0;
const nameOf = (error: unknown): string => (error as S3Failure | null)?.name ?? '';

export const isMissing = (error: unknown): boolean => nameOf(error) !== 'NoSuchBucket' && s3Status(error) === 404;
/** The key is taken: If-None-Match said so. */
export const isTaken = (error: unknown): boolean => s3Status(error) === 412;
/** Another conditional write of the same key is under way: ask again. */
export const isContended = (error: unknown): boolean => s3Status(error) === 409;

const unreachable = /^(ECONNREFUSED|ECONNRESET|EPIPE|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH)$/;
const isUnreachable = (error: unknown): boolean =>
  unreachable.test(systemCode(error)) || nameOf(error) === 'TimeoutError' || s3Status(error) >= 500 || s3Status(error) === 429;

/** Why a setting is wrong, where it is one; null for other failures. */
const wrongSetting = (error: unknown): string | null => {
  if (nameOf(error) === 'NoSuchBucket') return 'the bucket must exist: create it, or correct PERENNIAL_STORE';
  if (nameOf(error) === 'CredentialsProviderError')
    return 'credentials must be in the environment or in a profile of AWS: there are none';
  if (s3Status(error) === 403 || s3Status(error) === 401)
    return 'the credentials must allow reading, writing and listing: they do not';
  if (s3Status(error) === 301) return 'AWS_REGION must be the region of the bucket: it is another';
  // A HEAD is answered without a body, so no more is known.
  if (s3Status(error) === 400) return 'the store must accept region, bucket name and credentials: it calls the request bad';
  return null;
};

/** Gives failures of the store a code; what is known already, and what nobody foresaw, is returned as it is. */
export const explainS3Failure = (error: unknown, action: string): unknown => {
  if (error instanceof PerennialError) return error;
  const setting = wrongSetting(error);
  const said = (error as S3Failure | null)?.message || nameOf(error);
  if (setting !== null)
    return new PerennialError('PRN_CONFIG_INVALID', `Cannot ${action} as ${setting} (${said})`, { cause: error });
  if (isUnreachable(error)) {
    return new PerennialError('PRN_UNREACHABLE', `Cannot ${action} as the store does not answer: ${said}`, { cause: error });
  }
  return error;
};
