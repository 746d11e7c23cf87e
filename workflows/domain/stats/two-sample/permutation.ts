import { createRandom, type Random } from '../random.ts';
import { finish, type Steps } from '../steps.ts';

export type PermutationPlan = {
  /**
   * What may be exchanged: rows if they are independent, otherwise whole entities or blocks of time. Those of the
   * reference come first.
   */
  readonly units: number;
  readonly referenceUnits: number;
  /** Larger means further apart. The first `referenceUnits` units of the order play the reference, the rest the current sample. */
  readonly statistic: (order: Uint32Array, referenceUnits: number) => number;
  readonly permutations: number;
  readonly seed: number;
};

export type Permutation = {
  readonly observed: number;
  /** Permutations that were at least as far apart. */
  readonly exceed: number;
  readonly permutations: number;
  readonly pValue: number;
};

/** Orders of equal sums round differently: within this share of the observed statistic they count as equal. */
const rounding = 100 * Number.EPSILON;

/**
 * Permutation test: how often is a random split into the same two sizes at least as far apart as the observed one?
 *
 * p is (1 + exceeding) / (1 + permutations): never 0, and true to its level for any sizes, ties and statistic, as long as
 * the units are exchangeable. Each shuffle starts from the order as given: for i from the last unit to 1 it exchanges
 * i and floor(u (i + 1)), u by mulberry32 with the given seed. Null without units on a side. Throws RangeError unless
 * 0 <= referenceUnits <= units are whole and there is at least one permutation.
 *
 * Source: Phipson and Smyth, Statistical Applications in Genetics and Molecular Biology 9 (2010), for the added one;
 * Durstenfeld, Communications of the ACM 7 (1964), for the shuffle.
 * Agrees with: test/golden/vectors.json "permutation_tvd", exactly.
 */
export const permutationTest = (plan: PermutationPlan): Permutation | null => finish(permutationTestInSteps(plan));

/** Units moved after which others may have a turn: some tens of milliseconds. */
const movesPerStep = 2_000_000;

/** The same in steps. */
export function* permutationTestInSteps(plan: PermutationPlan): Steps<Permutation | null> {
  const { units, referenceUnits, statistic, permutations, seed } = plan;
  checkPlan(plan);
  if (referenceUnits === 0 || referenceUnits === units) return null;
  const given = Uint32Array.from({ length: units }, (_, unit) => unit);
  const observed = statistic(given, referenceUnits);
  const threshold = observed - Math.abs(observed) * rounding;
  const order = new Uint32Array(units);
  const random = createRandom(seed);
  let exceed = 0;
  let moved = 0;
  for (let permutation = 0; permutation < permutations; permutation++) {
    order.set(given);
    shuffleInPlace(order, random);
    if (statistic(order, referenceUnits) >= threshold) exceed++;
    moved += units;
    if (moved >= movesPerStep) {
      moved = 0;
      yield;
    }
  }
  return { observed, exceed, permutations, pValue: (1 + exceed) / (1 + permutations) };
}

const checkPlan = ({ units, referenceUnits, permutations }: PermutationPlan): void => {
  const whole = [units, referenceUnits, permutations].every((count) => Number.isSafeInteger(count));
  if (!whole || referenceUnits < 0 || referenceUnits > units || permutations < 1) {
    throw new RangeError(
      `Cannot permute as 0 <= referenceUnits <= units and permutations >= 1 must be whole: ${referenceUnits}, ${units}, ${permutations}`,
    );
  }
};

const shuffleInPlace = (order: Uint32Array, random: Random): void => {
  for (let i = order.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    const unit = order[i] as number;
    order[i] = order[j] as number;
    order[j] = unit;
  }
};
