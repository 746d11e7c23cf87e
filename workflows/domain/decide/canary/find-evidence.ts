import type { CanaryAssessment, GuardrailAssessment, GuardrailName } from '../../contracts/canary.ts';
import type { Evidence } from '../../contracts/evidence.ts';

type Kind = Evidence['kind'];
type Of<One extends Kind> = Extract<Evidence, { kind: One }>;

/** The evidence where it is of that kind; null where it is missing or `insufficient`. */
export const asKind = <One extends Kind>(evidence: Evidence | null | undefined, kind: One): Of<One> | null =>
  evidence?.kind === kind ? (evidence as Of<One>) : null;

/** What was found about a guardrail; undefined where it was not assessed at all. */
export const assessmentOf = (assessment: CanaryAssessment, name: GuardrailName): GuardrailAssessment | undefined =>
  assessment.guardrails.find((one) => one.name === name);

/** Why there is no evidence of the kind that was asked for. */
export const whyMissing = (evidence: Evidence | null | undefined): string =>
  evidence?.kind === 'insufficient' ? evidence.reason : 'it was not assessed';
