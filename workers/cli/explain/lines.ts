/** Verdicts and evidence in sentences, with their numbers. */
import type { Evidence } from '#domain/contracts/evidence.ts';
import type { Inequality } from '#domain/contracts/verdict.ts';
import { percent } from '#domain/decide/judgement.ts';
import { paint } from '../output.ts';
import { formatNumber } from '../quantity.ts';

/** "✓ what: left >= right", or the same with a cross where it does not hold. */
export const inequalityLine = ({ what, left, operator, right, holds }: Inequality): string =>
  `${holds ? paint('green', '✓ holds        ') : paint('yellow', '✗ does not hold')}  ${what}: ${formatNumber(left)} ${operator} ${formatNumber(right)}`;

export const inequalityLines = (inequalities: readonly Inequality[], indent = '    '): string[] =>
  inequalities.map((one) => `${indent}${inequalityLine(one)}`);

const described: { readonly [Kind in Evidence['kind']]: (evidence: Extract<Evidence, { kind: Kind }>) => string } = {
  'p-value': ({ pValue, test, rows }) => `p-value ${formatNumber(pValue)} (${test}, ${rows} rows)`,
  distance: ({ distance, measure, rows }) => `${measure} ${formatNumber(distance)} (${rows} rows)`,
  'e-value': ({ eValue, rows }) => `e-value ${formatNumber(eValue)} (${rows} rows)`,
  interval: ({ estimate, lower, upper, confidence, sides, method, rows }) =>
    `${formatNumber(estimate)}, ${percent(confidence)} ${sides === 'one' ? 'bounds' : 'interval'} ${formatNumber(lower)} to ${formatNumber(upper)} (${method}, ${rows} rows)`,
  measurement: ({ value, rows }) => `${formatNumber(value)} (${rows} rows)`,
  insufficient: ({ reason, rows }) => `cannot be told: ${reason} (${rows} rows)`,
};

/** "roc_auc, candidate minus champion: 0.012, 95% bounds 0.001 to 0.02 (…)". */
export const evidenceLine = (evidence: Evidence): string => {
  const describe = described[evidence.kind] as (one: Evidence) => string;
  return `${evidence.what}: ${describe(evidence)}`;
};

/** A name and what it is, in a column. */
export const field = (name: string, value: string): string => `  ${name.padEnd(10)} ${value}`;
