import type { ValidationFinding, ValidationReport } from '#domain/contracts/dataset.ts';

const mark = (finding: ValidationFinding): string => (finding.holds ? 'ok' : finding.severity);

const line = (finding: ValidationFinding): string => {
  const name = finding.check === 'schema' || finding.check === 'rows' ? finding.check : `"${finding.check}"`;
  const examples = finding.holds ? [] : finding.examples.map((example) => `                    ${example}`);
  return [`  ${mark(finding).padEnd(10)} ${name}: ${finding.statement}`, ...examples].join('\n');
};

const order = (finding: ValidationFinding): number =>
  finding.holds ? 3 : ['fail', 'quarantine', 'warn'].indexOf(finding.severity);

/** A validation report as a person reads it: what does not hold comes first. */
export const renderValidation = (report: ValidationReport): string => {
  const broken = report.findings.filter((finding) => !finding.holds);
  const head = `Validation of batch ${report.batchSha256.slice(0, 12)}: ${report.rows} rows, ${report.findings.length} findings, ${broken.length} do not hold`;
  const aside = report.quarantined.rows > 0 ? [`  ${report.quarantined.rows} rows are set aside in quarantine`] : [];
  const sorted = [...report.findings].sort((a, b) => order(a) - order(b));
  return [head, ...aside, ...sorted.map(line)].join('\n');
};
