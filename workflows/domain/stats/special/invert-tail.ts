/** A tail of a distribution on the whole line, falling or rising, with its slope there: d tail / d place. */
export type TailAt = (place: number) => { readonly tail: number; readonly slope: number };

export type Inversion = {
  readonly tailAt: TailAt;
  /** The tail that is wanted, in (0, 1). */
  readonly probability: number;
  readonly start: number;
  readonly low: number;
  readonly high: number;
};

/** Newton's method needs about eight steps; bisection of the longest bracket, sixty more. */
const maxSteps = 200;

/**
 * The place at which a monotone tail has the wanted probability, between low and high; one of these where it lies beyond.
 *
 * Newton's method on the logarithm of the tail, in which extreme tails are nearly straight; a step that leaves the bracket,
 * or starts where the tail has underflowed, becomes a bisection.
 *
 * Source: Newton's method kept inside a bracket; Dekker, in Constructive Aspects of the Fundamental Theorem of Algebra (1969).
 */
export const invertTail = ({ tailAt, probability, start, low, high }: Inversion): number => {
  const wanted = Math.log(probability);
  const rising = tailAt(high).tail > tailAt(low).tail;
  if (tailAt(low).tail > probability === rising) return low;
  if (tailAt(high).tail < probability === rising) return high;
  let [left, right] = [low, high];
  let place = Math.min(high, Math.max(low, start));
  for (let step = 0; step < maxSteps; step++) {
    const { tail, slope } = tailAt(place);
    const error = Math.log(tail) - wanted;
    if (error === 0) return place;
    if (error > 0 === rising) right = place;
    else left = place;
    const newton = place - (error * tail) / slope;
    const next = newton > left && newton < right ? newton : left + (right - left) / 2;
    if (Math.abs(next - place) <= Number.EPSILON * Math.max(1, Math.abs(place))) return next;
    place = next;
  }
  return place;
};
