import { normalUpperQuantile, normalUpperTail } from '../special/normal.ts';
import { findRoot } from './root.ts';

/** How the chance of a false alarm is spent over the information, from 0 at none to alpha at all of it. */
export type Spending = (information: number, alpha: number) => number;

/**
 * Spends hardly anything early on: its first bounds are out of reach, its last is near that of one look.
 *
 * Source: Lan and DeMets, Biometrika 70 (1983): 4 (1 - Phi(z(alpha / 4) / sqrt t)), two-sided.
 * Agrees with: test/golden/vectors.json "alpha_spending", 1e-9.
 * @example spendLate(0.4, 0.05) // 0.0007883035134...
 */
export const spendLate: Spending = (information, alpha) =>
  information === 0 ? 0 : 4 * normalUpperTail(normalUpperQuantile(alpha / 4) / Math.sqrt(information));

/**
 * Spends about evenly: bounds of nearly one height.
 *
 * Source: Lan and DeMets, Biometrika 70 (1983): alpha log(1 + (e - 1) t).
 * Agrees with: test/golden/vectors.json "alpha_spending", 1e-9.
 * @example spendEvenly(0.4, 0.05) // 0.02615685818...
 */
export const spendEvenly: Spending = (information, alpha) => alpha * Math.log1p((Math.E - 1) * information);

/** Cells of Simpson's rule over the region in which the test goes on; an even number. */
const cells = 256;

/** What is left of the distribution of the score where no look has stopped: values at equally spaced points, -reach to reach. */
type Remaining = { readonly reach: number; readonly density: Float64Array };

/**
 * Bounds of |z| for a few planned looks, at shares of the information that ascend to at most 1: all looks together stop
 * a true null hypothesis with probability alpha.
 *
 * The score of a look is a sum of independent normal steps; the density of the paths that no look has stopped is carried
 * from look to look by Simpson's rule. Error of a bound below 1e-6. No looks: no bounds. Throws RangeError for looks that
 * do not ascend in (0, 1], alpha outside (0, 1), and a look on which nothing is spent.
 *
 * Source: Armitage, McPherson and Rowe, JRSS A 132 (1969); Lan and DeMets, Biometrika 70 (1983).
 * Agrees with: test/golden/vectors.json "alpha_spending", 1e-6; test/golden/sequential.json, Gauss-Legendre, 1e-6.
 * @example groupSequentialBounds([1], 0.05, spendLate)[0] // 1.9599639...
 */
export const groupSequentialBounds = (looks: readonly number[], alpha: number, spending: Spending): Float64Array => {
  if (!(alpha > 0 && alpha < 1)) throw new RangeError(`Cannot plan looks as alpha must be in (0, 1): it is ${alpha}`);
  const bounds = new Float64Array(looks.length);
  let remaining: Remaining | null = null;
  let before = 0;
  looks.forEach((information, look) => {
    if (!(information > before && information <= 1)) {
      throw new RangeError(`Cannot plan looks as they must ascend in (0, 1]: ${information} after ${before}`);
    }
    const spent = spending(information, alpha) - spending(before, alpha);
    if (!(spent > 0)) throw new RangeError(`Cannot plan looks as each must have something to spend: ${spent} at ${information}`);
    const step = Math.sqrt(information - before);
    const reach = reachThatSpends(remaining, step, spent);
    bounds[look] = reach / Math.sqrt(information);
    remaining = stepOver(remaining, step, reach);
    before = information;
  });
  return bounds;
};

const reachThatSpends = (remaining: Remaining | null, step: number, spent: number): number => {
  if (remaining === null) return step * normalUpperQuantile(spent / 2);
  const { reach, density } = remaining;
  const beyond = (bound: number): number =>
    2 * integrate(reach, (score, place) => (density[place] as number) * normalUpperTail((bound - score) / step));
  return findRoot((bound) => beyond(bound) - spent, 0, reach + 40 * step);
};

/** Density of the next score, from the paths that were within the bounds, on the points within the next bound. */
const stepOver = (remaining: Remaining | null, step: number, reach: number): Remaining => {
  const gauss = (distance: number): number => Math.exp(-0.5 * (distance / step) ** 2) / (step * Math.sqrt(2 * Math.PI));
  const density = Float64Array.from({ length: cells + 1 }, (_, place) => {
    const score = pointOf(reach, place);
    if (remaining === null) return gauss(score);
    return integrate(remaining.reach, (from, index) => (remaining.density[index] as number) * gauss(score - from));
  });
  return { reach, density };
};

const pointOf = (reach: number, place: number): number => reach * ((2 * place) / cells - 1);

const integrate = (reach: number, value: (point: number, place: number) => number): number => {
  let sum = 0;
  for (let place = 0; place <= cells; place++) {
    const weight = place === 0 || place === cells ? 1 : place % 2 === 1 ? 4 : 2;
    sum += weight * value(pointOf(reach, place), place);
  }
  return (sum * 2 * reach) / (3 * cells);
};
