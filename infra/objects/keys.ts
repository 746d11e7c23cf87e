import type { Sha256 } from '#domain/units.ts';

/** The map of the store. All content is under its digest; names live in PostgreSQL. */
export const objectKeys = {
  /** Any immutable content: Parquet parts, manifests, reports, feature sets, matrices, ONNX files, packages. */
  content: (sha256: Sha256): string => `content/${sha256.slice(0, 2)}/${sha256}`,
  contentPrefix: 'content/',
} as const;
