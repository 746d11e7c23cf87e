import { incompleteBeta } from './incomplete-beta.ts';
import { logGamma } from './log-gamma.ts';
import { normalUpperQuantile, normalUpperTail } from './normal.ts';

/**
 * Probability that Student's t exceeds a value. Degrees of freedom > 0, whole or not; infinitely many give the normal
 * distribution. Both tails are computed for themselves. Throws RangeError for other degrees of freedom.
 *
 * Source: DLMF 8.17.21 with x = degrees / (degrees + t^2), https://dlmf.nist.gov/8.17; Student, Biometrika 6 (1908).
 * Agrees with: test/golden/gate.json, `scipy.stats.t.sf`, 1e-10.
 * @example studentUpperTail(1.9431802805153, 6) // 0.05000000000...
 */
export const studentUpperTail = (t: number, degreesOfFreedom: number): number => {
  requireDegrees(degreesOfFreedom);
  if (degreesOfFreedom === Number.POSITIVE_INFINITY) return normalUpperTail(t);
  if (t === 0) return 0.5;
  if (!Number.isFinite(t * t)) return t > 0 ? 0 : 1;
  const whole = degreesOfFreedom + t * t;
  const beyond = incompleteBeta(degreesOfFreedom / 2, 0.5, degreesOfFreedom / whole, (t * t) / whole);
  return t > 0 ? beyond.lower / 2 : 0.5 + beyond.upper / 2;
};

/** More are never needed: the tail of one degree of freedom at 1e-300 takes a thousand doublings. */
const mostSteps = 2000;

/**
 * The value that Student's t exceeds with that probability, in (0, 1); above 1/2 it is negative.
 *
 * Newton's method from the normal quantile, which lies below: the tail is convex, so it never oversteps.
 * Throws RangeError for probabilities outside (0, 1) and degrees of freedom that are not > 0.
 *
 * Source: definition. Agrees with: test/golden/gate.json, `scipy.stats.t.isf`, 1e-10.
 * @example studentUpperQuantile(0.05, 6) // 1.9431802805...
 */
export const studentUpperQuantile = (probability: number, degreesOfFreedom: number): number => {
  requireDegrees(degreesOfFreedom);
  if (probability > 0.5 && probability < 1) return -studentUpperQuantile(1 - probability, degreesOfFreedom);
  let t = normalUpperQuantile(probability);
  if (degreesOfFreedom === Number.POSITIVE_INFINITY || probability === 0.5) return t;
  for (let step = 0; step < mostSteps; step++) {
    const move = (studentUpperTail(t, degreesOfFreedom) - probability) / studentDensity(t, degreesOfFreedom);
    t += move;
    if (Math.abs(move) <= 1e-14 * t) break;
  }
  return t;
};

const studentDensity = (t: number, degrees: number): number => {
  const scale = logGamma((degrees + 1) / 2) - logGamma(degrees / 2) - 0.5 * Math.log(degrees * Math.PI);
  return Math.exp(scale - ((degrees + 1) / 2) * Math.log1p((t * t) / degrees));
};

const requireDegrees = (degrees: number): void => {
  if (!(degrees > 0)) throw new RangeError(`Cannot use Student's t as degrees of freedom must be > 0: they are ${degrees}`);
};
