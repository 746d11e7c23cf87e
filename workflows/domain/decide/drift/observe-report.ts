import type { DriftReport, VariableDrift } from '../../contracts/drift-report.ts';
import type { DriftObservation, ObservedVariable } from '../../contracts/drift-state.ts';

/** What of a report decides. A variable is measured where it had rows enough, a size and a p-value. */
export const observeReport = (report: DriftReport): DriftObservation => ({
  profileSha256: report.profileSha256,
  from: report.from,
  to: report.to,
  features: report.features.map(observeVariable),
  predictions: report.predictions.map(observeVariable),
  breaches: report.breaches,
});

const observeVariable = ({ name, critical, importance, ...found }: VariableDrift): ObservedVariable => {
  const evidenceId = found.evidence.find(({ kind, id }) => kind === 'distance' && id.endsWith('/psi'))?.id ?? null;
  const { sufficient, debiasedPsi, psiUpperLimit, adjustedPValue } = found;
  const isMeasured = sufficient && debiasedPsi !== null && psiUpperLimit !== null && adjustedPValue !== null;
  return { name, critical, importance, evidenceId, measured: isMeasured ? { debiasedPsi, psiUpperLimit, adjustedPValue } : null };
};
