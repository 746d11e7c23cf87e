/** Times and shares as a person reads them at a glance. */

const units = [
  ['day', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
  ['s', 1_000],
] as const;

/** A span in its largest unit: "42 s", "3 min", "6 h", "2 days"; below a second "0 s". Spans backwards count as nothing. */
export const span = (ms: number): string => {
  const [unit, size] = units.find(([, one]) => ms >= one) ?? ['s', 1_000];
  const count = Math.max(0, Math.floor(ms / size));
  return `${count} ${unit === 'day' ? (count === 1 ? 'day' : 'days') : unit}`;
};

export const since = (instant: string, now: string): string => span(Date.parse(now) - Date.parse(instant));

/** "2001-01-31 12:00": UTC, as the head of the page says once. */
export const minute = (instant: string): string => instant.slice(0, 16).replace('T', ' ');

/** "2001-01-31 to 2001-02-01", days alone where both ends are midnights. */
export const windowText = (from: string, to: string): string => {
  const days = [from, to].every((one) => one.slice(11, 16) === '00:00');
  return days ? `${from.slice(0, 10)} to ${to.slice(0, 10)}` : `${minute(from)} to ${minute(to)}`;
};

/** "50 %", "0.5 %". */
export const share = (part: number): string => `${Number((part * 100).toFixed(part < 0.01 ? 2 : 1))} %`;
