import { z } from 'zod';
import { type DurationMs, dayMs, hourMs, minuteMs, type Ratio, secondMs } from '../../units.ts';

const unitMs: Readonly<Record<string, number>> = { ms: 1, s: secondMs, m: minuteMs, h: hourMs, d: dayMs, w: 7 * dayMs };

/** "30m", "7d", "250ms" to whole milliseconds. A bare number is refused: nobody knows its unit. */
export const durationSchema = z
  .string()
  .regex(/^\d+(\.\d+)?(ms|s|m|h|d|w)$/, 'must be a duration such as 30m, 12h or 7d')
  .transform((text) => {
    const [, amount, unit] = /^([\d.]+)([a-z]+)$/.exec(text) as unknown as [string, string, string];
    return Math.round(Number(amount) * (unitMs[unit] as number)) as DurationMs;
  });

/** A loss of a metric: a number in its unit, or a share of its value such as "2%"; kept as it is written. */
export const lossSchema = z.union([
  z.number().nonnegative(),
  z.string().regex(/^\d+(\.\d+)?%$/, 'must be a number in the unit of the metric, or a share of its value such as 2%'),
]);
export const isNoLoss = (loss: z.infer<typeof lossSchema>): boolean => Number.parseFloat(String(loss)) === 0;

/** "10%" or 0.1 to a share in [0, 1]. */
export const shareSchema = z
  .union([z.string().regex(/^\d+(\.\d+)?%$/, 'must be a share such as 10%'), z.number().min(0).max(1)])
  .transform((value) => (typeof value === 'number' ? value : Number(value.slice(0, -1)) / 100) as Ratio)
  .refine((share) => share <= 1, 'must be at most 100%');
