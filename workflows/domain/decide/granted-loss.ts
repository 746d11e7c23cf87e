import { percent, shortNumber } from './judgement.ts';

/** A loss as a pipeline file says it: in the unit of the metric, or as a share such as "2%" of a value of it. */
export type AskedLoss = number | string | undefined;

/** Where a file says nothing: a number for metrics without a unit, a share for those in the unit of the label. */
export type UsualLoss = { readonly absolute: number; readonly share: string };

/** What may be lost, in the unit of the metric, and where it comes from: " (2% of 23163.2)", or nothing. */
export type GrantedLoss = { readonly value: number; readonly words: string };

/** In the unit of the label: prices in euros are wrong by thousands, shares by hundredths, and no number fits both. */
const inUnitOfLabel: ReadonlySet<string> = new Set(['rmse', 'mae', 'median_absolute_error']);

const shareOf = (text: string): number => Number(text.slice(0, -1)) / 100;

/**
 * What may be lost of a metric that has the value `of`, so many times what is asked. A share of a value that does not
 * exist is 0: there is nothing to lose, and nothing to compare either.
 * @example grantLoss('2%', usual, 'rmse', 23163.2).words // " (2% of 23163.2)"
 */
export const grantLoss = (
  asked: AskedLoss,
  usual: UsualLoss,
  metric: string,
  of: number | null | undefined,
  times = 1,
): GrantedLoss => {
  const said = asked ?? (inUnitOfLabel.has(metric) ? usual.share : usual.absolute);
  if (typeof said === 'number') return { value: times * said, words: '' };
  const share = times * shareOf(said);
  if (of == null) return { value: 0, words: '' };
  // As it is told: what is compared and what is read are one number.
  return { value: Number(shortNumber(share * Math.abs(of))), words: ` (${percent(share)} of ${shortNumber(Math.abs(of))})` };
};
