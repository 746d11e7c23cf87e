import { PerennialError } from '#domain/errors.ts';

const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const;

/** 2543095 as "2.4 MiB". */
export const formatBytes = (bytes: number): string => {
  const power = bytes < 1024 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(bytes) / 10));
  return `${power === 0 ? bytes : (bytes / 1024 ** power).toFixed(1)} ${units[power]}`;
};

export const formatCount = (count: number): string => count.toLocaleString('en-US');

/** "1 row", "1,500 rows". */
export const formatMany = (count: number, one: string): string => `${formatCount(count)} ${one}${count === 1 ? '' : 's'}`;

/** A number to read and to compare: small ones keep their digits instead of becoming 0.00000. */
export const formatNumber = (value: number): string =>
  value !== 0 && Math.abs(value) < 0.0005 ? value.toExponential(2) : value.toFixed(5);

const durationUnits = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1000],
] as const;

/** 7200000 as "2h", in the form that a pipeline file takes. */
export const formatDuration = (ms: number): string => {
  const [unit, size] = durationUnits.find(([, size]) => ms % size === 0) ?? ['ms', 1];
  return ms === 0 ? '0s' : `${ms / size}${unit}`;
};

/** The whole number that an option was given. Throws PRN_USAGE. */
export const parseCount = (option: string, text: string, least = 1): number => {
  const count = Number(text);
  if (Number.isSafeInteger(count) && count >= least && text.trim() !== '') return count;
  throw new PerennialError('PRN_USAGE', `Cannot use ${option} "${text}": it should be a whole number, ${least} or more`);
};
