/** Verdicts and evidence in sentences, with their numbers. */
import type { Evidence } from '#domain/contracts/evidence.ts';
import type { Inequality } from '#domain/contracts/verdict.ts';
import { isToldIn, percent } from '#domain/decide/judgement.ts';
import { paint } from '../output.ts';
import { formatCount, formatMany, formatNumber } from '../quantity.ts';

/** What is told of a thing: what decided, or all that is known. */
export type Depth = 'short' | 'all';

/** Lines of inequalities in a short story: the deciding ones, and as many others as are read at a glance. */
const shortly = 4;

/** A count stays a count. */
/** Evidence may have sixty digits, of which nobody reads more than how many there are. */
const longest = 1e12;
export const valueText = (value: number): string => {
  if (Number.isFinite(value) && Math.abs(value) >= longest) return value.toExponential(2);
  return Number.isInteger(value) ? formatCount(value) : formatNumber(value);
};

/** Whether it is good that an inequality holds depends on what was asked: the mark says only that it decided. */
const inequalityLine = ({ what, left, operator, right, holds }: Inequality, isDeciding: boolean): string => {
  const text = `${what}: ${valueText(left)} ${operator} ${valueText(right)} ${holds ? 'holds' : 'does not hold'}`;
  return isDeciding ? `▸ ${paint('bold', text)}` : `· ${text}`;
};

/** "▸ what: 12 >= 10 holds" for those that decided, as the reason has them, then "· …" for the others. */
export const inequalityLines = (inequalities: readonly Inequality[], reason: string, depth: Depth): string[] => {
  const deciding = inequalities.filter((one) => isToldIn(reason, one));
  const others = inequalities.filter((one) => !deciding.includes(one));
  const shown = depth === 'all' ? others : others.slice(0, Math.max(0, shortly - deciding.length));
  const left = others.length - shown.length;
  return [
    ...deciding.map((one) => `    ${inequalityLine(one, true)}`),
    ...shown.map((one) => `    ${inequalityLine(one, false)}`),
    ...(left === 0 ? [] : [`    and ${formatMany(left, 'other')} compared: --all`]),
  ];
};

const described: { readonly [Kind in Evidence['kind']]: (evidence: Extract<Evidence, { kind: Kind }>) => string } = {
  'p-value': ({ pValue, test, rows }) => `p-value ${formatNumber(pValue)} (${test}, ${rows} rows)`,
  distance: ({ distance, measure, rows }) => `${measure} ${formatNumber(distance)} (${rows} rows)`,
  'e-value': ({ eValue, rows }) => `e-value ${formatNumber(eValue)} (${rows} rows)`,
  interval: ({ estimate, lower, upper, confidence, sides, method, rows }) =>
    `${formatNumber(estimate)}, ${percent(confidence)} ${sides === 'one' ? 'bounds' : 'interval'} ${formatNumber(lower)} to ${formatNumber(upper)} (${method}, ${rows} rows)`,
  measurement: ({ value, rows }) => `${valueText(value)} (${rows} rows)`,
  insufficient: ({ reason, rows }) => `cannot be told: ${reason} (${rows} rows)`,
};

/** "roc_auc, candidate minus champion: 0.012, 95% bounds 0.001 to 0.02 (…)". */
export const evidenceLine = (evidence: Evidence): string => {
  const describe = described[evidence.kind] as (one: Evidence) => string;
  return `${evidence.what}: ${describe(evidence)}`;
};

/** A name and what it is, in a column. */
export const field = (name: string, value: string): string => `  ${name.padEnd(10)} ${value}`;
