/**
 * What can be said where nothing has happened yet: the rate of the event is below this, at the stated confidence.
 *
 * `rows` are independent and whole; without rows the bound is 1, for nothing is known. About 3 / rows at 95 %. Throws
 * RangeError for rows that are negative or not whole and a confidence outside (0, 1).
 *
 * Source: the largest rate p with (1 - p)^rows >= 1 - confidence: Clopper and Pearson, Biometrika 26 (1934), for a count of 0.
 * Agrees with: test/golden/vectors.json "zero_failures", 1e-9; test/golden/performance.json "zeroEvents",
 * `statsmodels` proportion_confint with method "beta", 1e-10.
 * @example rateWithoutEvents(100, 0.95) // 0.0295130496...
 */
export const rateWithoutEvents = (rows: number, confidence: number): number => {
  if (!Number.isSafeInteger(rows) || rows < 0)
    throw new RangeError(`Cannot bound a rate as rows must be whole and >= 0: they are ${rows}`);
  if (!(confidence > 0 && confidence < 1))
    throw new RangeError(`Cannot bound a rate as the confidence must be in (0, 1): it is ${confidence}`);
  // 1 - (1 - confidence)^(1 / rows), without subtracting two numbers that are nearly 1.
  return rows === 0 ? 1 : -Math.expm1(Math.log(1 - confidence) / rows);
};
