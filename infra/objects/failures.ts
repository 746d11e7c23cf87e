import { PerennialError } from '#domain/errors.ts';

export const unknownObject = (key: string, cause?: unknown): PerennialError =>
  new PerennialError('PRN_NOT_FOUND', `Cannot read object "${key}" as the store has none: see \`perennial data verify\``, {
    cause,
  });

export const corruptObject = (key: string, is: string): PerennialError =>
  new PerennialError(
    'PRN_OBJECT_CORRUPT',
    `Cannot use object "${key}" as its bytes must have the digest in its name: they have "${is}"`,
  );

/** Code of a system call's error, such as ENOENT; empty for other errors. */
export const systemCode = (error: unknown): string => {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : '';
};

/** Gives failures of the folder itself a code; all else is returned as it is. */
export const explainFolderFailure = (error: unknown, root: string): unknown => {
  const code = systemCode(error);
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new PerennialError('PRN_STORE_FULL', `Cannot write to "${root}" as no space is left on its disk`, { cause: error });
  }
  const isOurs = String((error as { path?: string }).path).startsWith(root);
  if (!isOurs || !['EACCES', 'EPERM', 'EROFS', 'ENOTDIR'].includes(code)) return error;
  return new PerennialError(
    'PRN_CONFIG_INVALID',
    `Cannot write to "${root}" as it must be a folder that may be written to: ${code}`,
    {
      cause: error,
    },
  );
};

/**
 * A key is lower-case names with "/" between them, so that it is at once a safe path and a safe address.
 * Keys come from `keys.ts`: another one is a programmer's error.
 */
export const requireKey = (key: string): string => {
  if (/^[a-z0-9][a-z0-9._-]{0,127}(\/[a-z0-9][a-z0-9._-]{0,127})*$/.test(key) && !key.includes('..')) return key;
  throw new TypeError(`Cannot use "${key}" as an object key: it must be lower-case names with "/" between them`);
};
