import type { Inequality, Verdict } from '../contracts/verdict.ts';

/** What validation counted; the numbers of the step's summary. */
export type DataEvidence = {
  readonly reportSha256: string;
  readonly rows: number;
  readonly rejectedRows: number;
  readonly quarantinedRows: number;
  readonly failures: readonly string[];
  readonly warnings: number;
};

const one = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`;

/**
 * Judges whether a validated batch may become a snapshot: it may where no finding of severity "fail" is broken and rows
 * are left. Returns pass or fail; never inconclusive, because counting has no uncertainty. Does not throw.
 * Example: `acceptData({ reportSha256, rows: 10, rejectedRows: 0, quarantinedRows: 0, failures: [], warnings: 0 }).outcome` is "pass".
 */
export const acceptData = (evidence: DataEvidence): Verdict => {
  const left = evidence.rows - evidence.quarantinedRows;
  const broken = evidence.failures.length;
  const inequalities: Inequality[] = [
    { what: 'findings of severity "fail" that do not hold', left: broken, operator: '<=', right: 0, holds: broken === 0 },
    { what: 'rows left after quarantine', left, operator: '>=', right: 1, holds: left >= 1 },
  ];
  const isAccepted = inequalities.every((inequality) => inequality.holds);
  const aside = `${one(evidence.rejectedRows, 'row')} rejected, ${one(evidence.quarantinedRows, 'row')} quarantined, ${one(evidence.warnings, 'warning')}`;
  const reason = isAccepted
    ? `Data accepted: every check of severity fail holds, rows left ${left} >= 1 (${aside})`
    : `Data rejected: ${broken > 0 ? `broken checks ${broken} > 0: ${evidence.failures.join('; ')}` : `rows left ${left} < 1`} (${aside})`;
  return { outcome: isAccepted ? 'pass' : 'fail', reason, inequalities, evidenceIds: [evidence.reportSha256] };
};
