import type { Comparison } from '../contracts/evaluation-report.ts';
import type { Evidence } from '../contracts/evidence.ts';

/** What a piece of evidence says about a comparison; the last part of its id. */
export const evidenceRoles = {
  /** One-sided bounds of candidate minus champion, turned so that more is better. */
  interval: 'interval',
  /** p-value of "worse by the margin or more". */
  notWorse: 'not-worse',
  /** p-value of "not worse by the margin". */
  harm: 'harm',
  /** Two-sided p-value of "no difference". */
  difference: 'difference',
  /** Rows that would decide at the difference seen. */
  rowsToDecide: 'rows-to-decide',
  /** Rows with which an equal candidate would be shown not to be worse, four times out of five. */
  rowsForPower: 'rows-for-power',
} as const;
export type EvidenceRole = (typeof evidenceRoles)[keyof typeof evidenceRoles];

type Subject = Pick<Comparison, 'metric' | 'slice'>;

/** "origin=ORD", or "all rows". */
export const sliceName = (slice: Comparison['slice']): string => (slice === null ? 'all rows' : `${slice.by}=${slice.value}`);

/** Id of a comparison's evidence, such as "roc_auc/all rows/interval". */
export const evidenceId = (subject: Subject, role: EvidenceRole): string =>
  `${subject.metric}/${sliceName(subject.slice)}/${role}`;

/** The comparison's evidence of that role and kind; undefined where it was not found. */
export const findEvidence = <Kind extends Evidence['kind']>(
  comparison: Comparison,
  role: EvidenceRole,
  kind: Kind,
): Extract<Evidence, { kind: Kind }> | undefined => {
  const id = evidenceId(comparison, role);
  return comparison.evidence.find((one): one is Extract<Evidence, { kind: Kind }> => one.kind === kind && one.id === id);
};
