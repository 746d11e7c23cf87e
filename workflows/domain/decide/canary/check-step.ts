import type { CanaryAssessment, CanaryPolicy, CanaryState, GuardrailPolicy } from '../../contracts/canary.ts';
import { type Check, checkOf, inequality, sentenceOf } from '../judgement.ts';
import { asKind, assessmentOf, whyMissing } from './find-evidence.ts';

/**
 * May the candidate leave this step? All that must hold: long enough, enough requests, the split as it was set, and for
 * each guardrail either a rate shown to be at most 1 + margin times the champion's, or enough exposure without an event
 * above budget. Where the candidate answers everything there is nobody to compare with: time, requests and floors decide.
 *
 * `inconclusive` is what only needs time.
 */
export const checkStep = (assessment: CanaryAssessment, policy: CanaryPolicy, state: CanaryState): Check[] => [
  atLeast('milliseconds in this step', state.elapsedMs - state.stepSinceMs, policy.atLeastMs),
  atLeast("candidate's requests in this step", state.current.candidate.requests, policy.requests),
  ...(state.current.share === 1 ? checkFloors(assessment, policy) : compareArms(assessment, policy, state)),
];

const compareArms = (assessment: CanaryAssessment, policy: CanaryPolicy, state: CanaryState): Check[] => [
  ...(policy.splitAlpha === null ? [] : [checkSplit(assessment, policy.splitAlpha)]),
  ...policy.guardrails.map((one) => checkGuardrail(assessment, policy, one, state)),
];

/** A floor that was crossed has ended the rollout already; one that was not looked at must not let it pass. */
const checkFloors = (assessment: CanaryAssessment, policy: CanaryPolicy): Check[] =>
  policy.guardrails
    .filter(({ name, floor }) => floor !== null && asKind(assessmentOf(assessment, name)?.floor, 'e-value') === null)
    .map(({ name }) =>
      checkOf('inconclusive', `${name} was not held against its floor: ${whyMissing(assessmentOf(assessment, name)?.floor)}`),
    );

const atLeast = (what: string, value: number, least: number): Check => {
  const found = inequality(what, value, '>=', least);
  return checkOf(found.holds ? 'pass' : 'inconclusive', sentenceOf(found), [found]);
};

const checkSplit = (assessment: CanaryAssessment, splitAlpha: number): Check => {
  const { atOnce } = assessment.split;
  const tested = asKind(atOnce, 'p-value');
  if (tested === null) return checkOf('inconclusive', `the split was not tested: ${whyMissing(atOnce)}`);
  const found = inequality('split of the requests, p-value', tested.pValue, '>=', splitAlpha);
  return checkOf(found.holds ? 'pass' : 'inconclusive', sentenceOf(found), [found], [tested.id]);
};

const checkGuardrail = (
  assessment: CanaryAssessment,
  policy: CanaryPolicy,
  { name, margin }: GuardrailPolicy,
  state: CanaryState,
): Check => {
  const found = assessmentOf(assessment, name);
  if (asKind(found?.harm, 'e-value') === null) {
    return checkOf('inconclusive', `${name} was not compared: ${whyMissing(found?.harm)}`);
  }
  const ratio = asKind(found?.ratio, 'interval');
  if (ratio !== null) {
    const shown = inequality(`${name}, upper bound of the ratio to the champion's rate`, ratio.upper, '<=', 1 + margin);
    if (shown.holds) return checkOf('pass', sentenceOf(shown), [shown], [ratio.id]);
  }
  return checkExposure(name, found?.aboveBudget, policy, state);
};

const checkExposure = (
  name: string,
  evidence: Parameters<typeof whyMissing>[0],
  policy: CanaryPolicy,
  state: CanaryState,
): Check => {
  const above = asKind(evidence, 'measurement');
  if (above === null) return checkOf('inconclusive', `${name} has no budget to compare with: ${whyMissing(evidence)}`);
  const exposed = inequality(`${name}, candidate's requests`, state.current.candidate.requests, '>=', policy.exposure);
  const within = inequality(`${name}, events above budget`, above.value, '<=', 0);
  const sentence = exposed.holds ? sentenceOf(within) : sentenceOf(exposed);
  return checkOf(exposed.holds && within.holds ? 'pass' : 'inconclusive', sentence, [exposed, within], [above.id]);
};
