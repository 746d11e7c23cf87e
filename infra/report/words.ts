/** Numbers and instants as a reader takes them in at a glance. */

/** "12.3 %", "0.4 %", "0 %". */
export const share = (part: number): string => `${Number((part * 100).toFixed(Math.abs(part) < 0.01 ? 2 : 1))} %`;

/** Four digits; small ones keep theirs instead of becoming 0. */
export const number = (value: number | null): string => {
  if (value === null) return '–';
  if (Number.isInteger(value) && Math.abs(value) < 1e6) return value.toLocaleString('en-US');
  if (value !== 0 && (Math.abs(value) < 1e-4 || Math.abs(value) >= 1e6)) return value.toExponential(1);
  return String(Number(value.toPrecision(4)));
};

/** "2001-01-31 12:00", in UTC, as the head says once. */
export const minute = (instant: string): string => instant.slice(0, 16).replace('T', ' ');

/** A span of time by its days alone where both ends are midnights. */
export const spanOf = (from: string, to: string): string =>
  [from, to].every((one) => one.slice(11, 16) === '00:00')
    ? `${from.slice(0, 10)} to ${to.slice(0, 10)}`
    : `${minute(from)} to ${minute(to)}`;

/** Where a window begins: by its day alone where it begins and ends at midnight. */
export const beginOf = (from: string, to: string): string => {
  const [begin] = spanOf(from, to).split(' to ');
  return begin as string;
};

const sizes = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
  ['s', 1_000],
] as const;

/** 90_000 as "1.5 min". */
export const duration = (ms: number): string => {
  const [unit, size] = sizes.find(([, one]) => ms >= one) ?? (['s', 1_000] as const);
  return `${Number((ms / size).toPrecision(3))} ${unit}`;
};

export const many = (count: number, one: string): string => `${count.toLocaleString('en-US')} ${one}${count === 1 ? '' : 's'}`;
