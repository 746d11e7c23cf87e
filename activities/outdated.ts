import { PerennialError } from '#domain/errors.ts';

/** What the definition of an older version, on data of today, may fail with for good. */
const outdated = new Set(['PRN_DEFINITION_UNKNOWN', 'PRN_SPEC_INVALID', 'PRN_FEATURE_INVALID', 'PRN_DATA_SQL']);

/** For a catch: null where an older definition no longer fits; trouble of this moment is thrown on. */
export const nullIfOutdated = (error: unknown): null => {
  if (error instanceof PerennialError && outdated.has(error.code)) return null;
  throw error;
};
