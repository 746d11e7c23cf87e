import type { Evidence } from '../../contracts/evidence.ts';
import type { Inequality, Verdict } from '../../contracts/verdict.ts';
import { inequality, sentenceOf, shortNumber } from '../judgement.ts';
import { conclude } from './conclusion.ts';

export type CalibrationPolicy = {
  /** Ids of the two tests and of the error beyond chance, from `calibrationEvidenceIds`. */
  readonly testIds: readonly string[];
  readonly excessId: string;
  /** Of positives that came over those promised: what a person understands first. */
  readonly ratioId: string;
  /** Level of all tests together. */
  readonly level: number;
  /** Error beyond chance that does not matter. */
  readonly tolerated: number;
};

/** What a matured window asks for. `recalibrate` fits a new calibrator on matured labels: minutes, and through the same gate. */
export type Remedy = 'none' | 'recalibrate' | 'retrain';

export type CalibrationDecision = { readonly remedy: Remedy; readonly verdict: Verdict };

/**
 * Recalibrate or retrain? Where the ranking of the rows has failed, only training helps. Where it has not, and the
 * probabilities are wrong by more than chance and by more than is tolerated, a new calibrator is enough: it changes no
 * ranking. `ranking` is the verdict on a ranking metric of the same window, such as the area under the ROC curve.
 *
 * The tests share the level (Bonferroni), and a test alone is not enough: with many rows it finds what does not matter.
 * Too little evidence on calibration is inconclusive and asks for nothing; evidence that is missing is an error.
 *
 * Source: Bonferroni's inequality.
 */
export const decideCalibration = (
  ranking: Verdict,
  evidence: readonly Evidence[],
  policy: CalibrationPolicy,
): CalibrationDecision => {
  if (ranking.outcome === 'fail')
    return { remedy: 'retrain', verdict: { ...ranking, reason: `the ranking has failed: ${ranking.reason}` } };
  const missing = evidence.find((one) => one.kind === 'insufficient');
  if (missing?.kind === 'insufficient') return none(conclude('inconclusive', missing.reason, [], [missing.id]));
  const tests = evidence.filter((one): one is Extract<Evidence, { kind: 'p-value' }> =>
    one.kind === 'p-value' ? policy.testIds.includes(one.id) : false,
  );
  const excess = evidence.find((one) => one.id === policy.excessId);
  if (tests.length === 0 || excess?.kind !== 'measurement')
    return none(conclude('error', 'there is no test of calibration, or no error beyond chance, to compare'));
  const matters = inequality(excess.what, excess.value, '>', policy.tolerated);
  const found = tests.map((test) =>
    inequality(`p-value of ${test.what}, ${test.test}`, test.pValue, '<=', policy.level / tests.length),
  );
  const came = evidence.find((one) => one.id === policy.ratioId);
  const told = came?.kind === 'measurement' ? `${shortNumber(came.value)} positives came for each that was promised: ` : '';
  return weigh(told, matters, found, [excess.id, ...tests.map((test) => test.id)]);
};

const none = (verdict: Verdict): CalibrationDecision => ({ remedy: 'none', verdict });

const weigh = (told: string, matters: Inequality, tests: readonly Inequality[], ids: readonly string[]): CalibrationDecision => {
  const inequalities = [matters, ...tests];
  const certain = tests.find((test) => test.holds);
  if (matters.holds && certain !== undefined) {
    const reason = `${told}${sentenceOf(matters)}, ${sentenceOf(certain)}, and the ranking has not failed`;
    return { remedy: 'recalibrate', verdict: conclude('fail', reason, inequalities, ids) };
  }
  const reason = matters.holds ? tests.map(sentenceOf).join('; ') : sentenceOf(matters);
  return none(conclude('pass', reason, inequalities, ids));
};
