import type { Evidence } from '../../contracts/evidence.ts';
import { normalUpperQuantile } from '../special/normal.ts';
import { checkAmount } from './check.ts';

/** A mean loss per prediction, such as the share of errors, and how well it is known. */
export type EstimatedLoss = { readonly estimate: number; readonly standardError: number };

export type GainQuestion = {
  readonly predictionsPerDay: number;
  readonly valuePerError: number;
  /** Of the model that serves, matured or estimated without labels. */
  readonly current: EstimatedLoss;
  /** Of a freshly trained one, from the last retrain's learning curve. */
  readonly fresh: EstimatedLoss;
  /** Days until the next scheduled retrain, which would bring the gain anyway. */
  readonly horizonDays: number;
  readonly rows: number;
  readonly confidence: number;
};

/**
 * What retraining now would be worth, in the unit of the value: an interval with one-sided bounds. To be compared with
 * the cost of a run by its lower bound.
 *
 * It takes the difference of the two losses to last until the horizon, as it does where decay adds up, and the two
 * estimates to be independent, as they are on live traffic and on a hold-out. A horizon of 0 is a gain of 0: the
 * schedule is due anyway. A gain may be negative. Throws RangeError for a negative or infinite amount or standard error,
 * or a confidence outside (0.5, 1), and for a gain beyond all numbers.
 *
 * Source: definition: volume * value * (current loss - fresh loss) * horizon, by propagation of the two errors.
 * Agrees with: test/golden/economics.json, 1e-12.
 * @example expectedGain({ predictionsPerDay: 20000, valuePerError: 0.05, current: { estimate: 0.12, standardError: 0 }, fresh: { estimate: 0.1, standardError: 0 }, horizonDays: 10, rows: 4000, confidence: 0.9 }).estimate // 200
 */
export const expectedGain = (question: GainQuestion): Extract<Evidence, { kind: 'interval' }> => {
  checkQuestion(question);
  const { predictionsPerDay, valuePerError, current, fresh, horizonDays, rows, confidence } = question;
  const atStake = predictionsPerDay * valuePerError * horizonDays;
  checkAmount('weigh a gain', 'the value at stake', atStake);
  const estimate = atStake * (current.estimate - fresh.estimate);
  const standardError = atStake * Math.hypot(current.standardError, fresh.standardError);
  const reach = normalUpperQuantile(1 - confidence) * standardError;
  checkAmount('weigh a gain', 'the size of the gain', Math.abs(estimate) + reach);
  return {
    id: 'expected-gain',
    what: 'expected gain of retraining now, until the next scheduled retrain',
    kind: 'interval',
    estimate,
    lower: estimate - reach,
    upper: estimate + reach,
    confidence,
    sides: 'one',
    standardError,
    method: 'volume * value per error * (current loss - fresh loss) * horizon',
    rows,
  };
};

const checkQuestion = ({ current, fresh, ...question }: GainQuestion): void => {
  const doing = 'weigh a gain';
  checkAmount(doing, 'the number of predictions per day', question.predictionsPerDay);
  checkAmount(doing, 'the value of an error', question.valuePerError);
  checkAmount(doing, 'the horizon', question.horizonDays);
  for (const { estimate, standardError } of [current, fresh]) {
    checkAmount(doing, 'a standard error', standardError);
    if (!Number.isFinite(estimate)) throw new RangeError(`Cannot ${doing} as a loss must be finite: it is ${estimate}`);
  }
  if (!(question.confidence > 0.5 && question.confidence < 1)) {
    throw new RangeError(`Cannot ${doing} as the confidence must lie in (0.5, 1): it is ${question.confidence}`);
  }
};
