import { PerennialError } from '#domain/errors.ts';
import type { Instant } from '#domain/units.ts';

/** The beginning of a window from what was typed: a day, or an instant with or without seconds, in UTC. Throws PRN_USAGE. */
export const parseWindow = (text: string): Instant => {
  const isInstant = /^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d{1,3})?)?Z?)?$/.test(text);
  const ms = isInstant
    ? Date.parse(`${text.replace(' ', 'T').replace(/Z$/, '')}${text.length === 10 ? 'T00:00' : ''}Z`)
    : Number.NaN;
  if (Number.isFinite(ms)) return new Date(ms).toISOString() as Instant;
  throw new PerennialError(
    'PRN_USAGE',
    `Cannot use window "${text}": it should be when the window begins, such as 2001-02-05 or 2001-02-05T06:00`,
  );
};
