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
  /** One-sided p-value of "not better". */
  better: 'better',
  /** Two-sided p-value of "no difference". */
  difference: 'difference',
  /** The same by the mid-p form of the test. */
  differenceMid: 'difference-mid-p',
  /** Rows that would decide at the difference seen. */
  rowsToDecide: 'rows-to-decide',
  /** Rows with which an equal candidate would be shown not to be worse, four times out of five. */
  rowsForPower: 'rows-for-power',
} as const;
export type EvidenceRole = (typeof evidenceRoles)[keyof typeof evidenceRoles];

type Subject = Pick<Comparison, 'metric' | 'slice'>;

/** "origin=ORD", or "all rows". */
export const sliceName = (slice: Comparison['slice']): string => (slice === null ? 'all rows' : `${slice.by}=${slice.value}`);

/** "roc_auc/origin=ORD": what was compared, and on which rows. */
export const comparisonName = ({ metric, slice }: Subject): string => `${metric}/${sliceName(slice)}`;

/** "selection rate ratio/sex": a measure of fairness and the column of its groups. */
export const fairnessName = (measure: string, by: string): string => `${measure}/${by}`;

/** Id of a piece of evidence, such as "roc_auc/all rows/interval". */
export const evidenceId = (name: string, role: EvidenceRole): string => `${name}/${role}`;

/** The evidence of that id and kind; undefined where it was not found. */
export const findById = <Kind extends Evidence['kind']>(
  evidence: readonly Evidence[],
  id: string,
  kind: Kind,
): Extract<Evidence, { kind: Kind }> | undefined =>
  evidence.find((one): one is Extract<Evidence, { kind: Kind }> => one.kind === kind && one.id === id);

/** The comparison's evidence of that role and kind; undefined where it was not found. */
export const findEvidence = <Kind extends Evidence['kind']>(
  comparison: Comparison,
  role: EvidenceRole,
  kind: Kind,
): Extract<Evidence, { kind: Kind }> | undefined =>
  findById(comparison.evidence, evidenceId(comparisonName(comparison), role), kind);
