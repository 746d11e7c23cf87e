/**
 * Branded strings and numbers, so that a digest cannot be passed where a name is meant.
 * A brand is a promise about the form of a value; schemas in `contracts/` are the only place that checks it.
 */
declare const brand: unique symbol;
type Brand<T, Name extends string> = T & { readonly [brand]: Name };

/** 64 lower-case hexadecimal digits. */
export type Sha256 = Brand<string, 'Sha256'>;

/** UTC instant in ISO 8601 with milliseconds, as `Date.prototype.toISOString` writes it. */
export type Instant = Brand<string, 'Instant'>;

/** Whole milliseconds, never negative. */
export type DurationMs = Brand<number, 'DurationMs'>;

/** A share in [0, 1]. */
export type Ratio = Brand<number, 'Ratio'>;

/** Name of a pipeline: `^[a-z0-9][a-z0-9._-]{0,62}$`, without "..". */
export type PipelineName = Brand<string, 'PipelineName'>;

/** Identity of one run: the first 16 hexadecimal digits of a SHA-256. */
export type RunKey = Brand<string, 'RunKey'>;

/** Number of a model version within its pipeline: 1, 2, 3, … without gaps. */
export type VersionNumber = Brand<number, 'VersionNumber'>;

export const dayMs = 86_400_000;
export const hourMs = 3_600_000;
export const minuteMs = 60_000;
export const secondMs = 1_000;
