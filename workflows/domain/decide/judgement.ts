import type { Inequality, VerdictOutcome } from '../contracts/verdict.ts';

/** One question of a verdict: its outcome, a sentence with the numbers (empty: nothing to say), and what it rests on. */
export type Check = {
  readonly outcome: VerdictOutcome;
  readonly sentence: string;
  readonly inequalities: readonly Inequality[];
  readonly evidenceIds: readonly string[];
};

export const checkOf = (
  outcome: VerdictOutcome,
  sentence: string,
  inequalities: readonly Inequality[] = [],
  evidenceIds: readonly string[] = [],
): Check => ({ outcome, sentence, inequalities, evidenceIds });

const compare: Readonly<Record<Inequality['operator'], (left: number, right: number) => boolean>> = {
  '<': (left, right) => left < right,
  '<=': (left, right) => left <= right,
  '>': (left, right) => left > right,
  '>=': (left, right) => left >= right,
  '=': (left, right) => left === right,
};

/** A comparison as it is made. One that involves NaN does not hold. */
export const inequality = (what: string, left: number, operator: Inequality['operator'], right: number): Inequality => ({
  what,
  left,
  operator,
  right,
  holds: compare[operator](left, right),
});

/** Six digits: enough to tell bounds from margins, few enough to read. */
export const shortNumber = (value: number): string => String(Number(value.toPrecision(6)));

/** "roc_auc 0.7 >= 0.6", or the same with "does not hold". */
export const sentenceOf = ({ what, left, operator, right, holds }: Inequality): string =>
  `${what} ${shortNumber(left)} ${operator} ${shortNumber(right)}${holds ? '' : ' does not hold'}`;

/** Whether a reason tells this comparison, with the numbers as `sentenceOf` writes them: those that decided are told. */
export const isToldIn = (reason: string, { left, operator, right }: Inequality): boolean =>
  reason
    .split(` ${shortNumber(left)} ${operator} ${shortNumber(right)}`)
    .slice(1)
    // A longer number only begins like this one.
    .some((after) => !/^(\d|\.\d|e[+-]\d)/.test(after));

/** "95%" of 0.95, "99.9997%" of 0.99999696: as many digits as keep what is below one from reading "100%". */
export const percent = (share: number): string => {
  const nines = share < 1 ? Math.ceil(-Math.log10(1 - share)) : 0;
  return `${Number((share * 100).toFixed(Math.max(2, nines - 2)))}%`;
};
