import type { CanaryAssessment, CanaryPolicy, GuardrailPolicy } from '../../contracts/canary.ts';
import { type Check, checkOf, inequality, sentenceOf } from '../judgement.ts';
import { asKind, assessmentOf } from './find-evidence.ts';

/**
 * Is the candidate shown to do harm: more often than the champion, or more often than any model may?
 *
 * Fails for every guardrail whose evidence has reached 1 / alpha; passes, with the same inequalities, where none has. The
 * evidence may be looked at any time, so one crossing is enough and nothing waits for the end of a step. What is
 * `insufficient` is no harm here, and no reason to advance either.
 */
export const findHarm = (assessment: CanaryAssessment, policy: CanaryPolicy): Check[] =>
  policy.guardrails.flatMap((guardrail) => [againstChampion(assessment, guardrail), againstFloor(assessment, guardrail)].flat());

const againstChampion = (assessment: CanaryAssessment, { name, alpha }: GuardrailPolicy): Check[] => {
  const found = asKind(assessmentOf(assessment, name)?.harm, 'e-value');
  return found === null ? [] : [crossing(`${name}, evidence of more than the champion's`, found.eValue, alpha, found.id)];
};

const againstFloor = (assessment: CanaryAssessment, { name, floor, floorAlpha }: GuardrailPolicy): Check[] => {
  if (floor === null) return [];
  const found = asKind(assessmentOf(assessment, name)?.floor, 'e-value');
  return found === null ? [] : [crossing(`${name}, evidence of a share above ${floor}`, found.eValue, floorAlpha, found.id)];
};

const crossing = (what: string, eValue: number, alpha: number, id: string): Check => {
  const found = inequality(what, eValue, '>=', 1 / alpha);
  return checkOf(found.holds ? 'fail' : 'pass', sentenceOf(found), [found], [id]);
};
