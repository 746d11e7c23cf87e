import { binomialProbability } from '../special/binomial.ts';

/** From here on, n D^2, a sample that is far above and far below at once is rarer than 1e-15 of one that is either. */
const oneSidedFrom = 5.8;

/**
 * Probability that the empirical distribution of n rows lies at least that far from its continuous truth: the finite
 * distribution of Kolmogorov's distance. Other tools use it for two large samples, with n m / (n + m) rounded.
 *
 * Distance 0 has probability 1, distance 1 has 0. Meant for n up to a few thousand: the cost is about n^1.5 log n.
 * Throws RangeError unless the distance lies in [0, 1] and n is whole and above 0.
 *
 * Source: Marsaglia, Tsang and Wang, Journal of Statistical Software 8(18) (2003), after Durbin (1973), near the middle;
 * far out twice the one-sided probability of Birnbaum and Tingey, Annals of Mathematical Statistics 22 (1951), which keeps
 * its digits there.
 * Agrees with: test/golden/vectors.json "ks", 1e-9; test/golden/two-sample.json, `scipy.stats.kstwo`, 1e-9 up to 140 rows, beyond
 * which SciPy approximates.
 * @example oneSampleKolmogorov(0.3375, 9) // 0.2041813954...
 */
export const oneSampleKolmogorov = (distance: number, n: number): number => {
  if (!(distance >= 0 && distance <= 1) || !Number.isSafeInteger(n) || n < 1) {
    throw new RangeError(`Cannot judge a distance as it must be in [0, 1] and n whole and above 0: ${distance}, ${n}`);
  }
  if (distance * n <= 0.5) return 1;
  // A distance above one half cannot occur on both sides.
  if (distance >= 0.5 || n * distance * distance >= oneSidedFrom) return Math.min(1, 2 * oneSided(distance, n));
  return 1 - within(distance, n);
};

/** D sum over j of C(n, j) (D + j/n)^(j-1) (1 - D - j/n)^(n-j): binomial probabilities, each over D + j/n. */
const oneSided = (distance: number, n: number): number => {
  let sum = 0;
  for (let j = 0; j <= n; j++) {
    const level = distance + j / n;
    if (level >= 1) break;
    sum += (distance / level) * binomialProbability(j, n, level);
  }
  return sum;
};

/** n! / n^n times the middle element of the n-th power of Durbin's matrix. */
const within = (distance: number, n: number): number => {
  const half = Math.floor(n * distance) + 1;
  const size = 2 * half - 1;
  const power = raise(durbinMatrix(half, half - n * distance), size, n);
  let value = power.matrix[(half - 1) * size + half - 1] as number;
  let exponent = power.exponent;
  for (let i = 1; i <= n; i++) {
    value *= i / n;
    if (value < 1e-140) {
      value *= 1e140;
      exponent -= 140;
    }
  }
  return value * 10 ** exponent;
};

const durbinMatrix = (half: number, excess: number): Float64Array => {
  const size = 2 * half - 1;
  const matrix = new Float64Array(size * size);
  for (let row = 0; row < size; row++)
    for (let column = 0; column <= row + 1 && column < size; column++) matrix[row * size + column] = 1;
  for (let i = 0; i < size; i++) {
    matrix[i * size] = (matrix[i * size] as number) - excess ** (i + 1);
    const last = (size - 1) * size + i;
    matrix[last] = (matrix[last] as number) - excess ** (size - i);
  }
  const corner = (size - 1) * size;
  matrix[corner] = (matrix[corner] as number) + Math.max(0, 2 * excess - 1) ** size;
  for (let row = 0; row < size; row++) {
    for (let column = 0; column <= row; column++) {
      for (let factor = 2; factor <= row - column + 1; factor++) {
        matrix[row * size + column] = (matrix[row * size + column] as number) / factor;
      }
    }
  }
  return matrix;
};

/** A matrix times a power of ten, so that no element overflows. */
type Scaled = { readonly matrix: Float64Array; readonly exponent: number };

const raise = (matrix: Float64Array, size: number, n: number): Scaled => {
  if (n === 1) return { matrix, exponent: 0 };
  const root = raise(matrix, size, Math.floor(n / 2));
  const square = rescale({ matrix: multiply(root.matrix, root.matrix, size), exponent: 2 * root.exponent }, size);
  return n % 2 === 0 ? square : { matrix: multiply(matrix, square.matrix, size), exponent: square.exponent };
};

const rescale = ({ matrix, exponent }: Scaled, size: number): Scaled => {
  const middle = matrix[((size * size - 1) / 2) | 0] as number;
  return middle > 1e140 ? { matrix: matrix.map((value) => value * 1e-140), exponent: exponent + 140 } : { matrix, exponent };
};

const multiply = (left: Float64Array, right: Float64Array, size: number): Float64Array => {
  const product = new Float64Array(size * size);
  for (let row = 0; row < size; row++) {
    for (let k = 0; k < size; k++) {
      const factor = left[row * size + k] as number;
      for (let column = 0; column < size; column++) {
        const at = row * size + column;
        product[at] = (product[at] as number) + factor * (right[k * size + column] as number);
      }
    }
  }
  return product;
};
