/** Random numbers of the usual distributions, from a uniform source. All exact: none is an approximation by another. */
import type { Random } from '#domain/stats/random.ts';

/** Never 0, so that its logarithm is finite. */
const positive = (random: Random): number => 1 - random();

/** Source: Box and Muller, Annals of Mathematical Statistics 29 (1958); the sine half is left unused, so that calls are independent. */
export const normal = (random: Random, mean = 0, deviation = 1): number =>
  mean + deviation * Math.sqrt(-2 * Math.log(positive(random))) * Math.cos(2 * Math.PI * random());

export const exponential = (random: Random, mean = 1): number => -mean * Math.log(positive(random));

/** Source: Marsaglia and Tsang, "A simple method for generating gamma variables", ACM TOMS 26 (2000). */
export const gamma = (random: Random, shape: number, scale = 1): number => {
  if (shape < 1) return gamma(random, shape + 1, scale) * positive(random) ** (1 / shape);
  const d = shape - 1 / 3;
  const c = 1 / Math.sqrt(9 * d);
  for (;;) {
    const z = normal(random);
    const v = (1 + c * z) ** 3;
    if (v > 0 && Math.log(positive(random)) < 0.5 * z * z + d - d * v + d * Math.log(v)) return d * v * scale;
  }
};

/** Source: definition: X / (X + Y) of two gammas. */
export const beta = (random: Random, a: number, b: number): number => {
  const x = gamma(random, a);
  return x / (x + gamma(random, b));
};

/** Source: Devroye, "Non-uniform random variate generation" (1986), X.4: halved by the median order statistic. */
export const binomial = (random: Random, trials: number, probability: number): number => {
  let [left, share, successes] = [trials, probability, 0];
  while (left > 16) {
    const lower = 1 + Math.floor(left / 2);
    const split = beta(random, lower, left + 1 - lower);
    if (split >= share) {
      left = lower - 1;
      share = share / split;
    } else {
      successes += lower;
      left -= lower;
      share = (share - split) / (1 - split);
    }
  }
  for (let trial = 0; trial < left; trial += 1) if (random() < share) successes += 1;
  return successes;
};

/** Counts of the cells, in their order; shares add up to one. Source: definition, by conditional binomials. */
export const multinomial = (random: Random, trials: number, shares: readonly number[]): number[] => {
  let [left, rest] = [trials, 1];
  return shares.map((share, cell) => {
    const last = cell === shares.length - 1;
    const count = last ? left : binomial(random, left, rest <= 0 ? 0 : Math.min(1, share / rest));
    left -= count;
    rest -= share;
    return count;
  });
};

/** Source: Ahrens and Dieter, Computing 12 (1974): jumps by gammas, then multiplication. */
export const poisson = (random: Random, mean: number): number => {
  let [left, count] = [mean, 0];
  while (left > 12) {
    const jump = Math.floor((left * 7) / 8);
    const waited = gamma(random, jump);
    if (waited > left) return count + binomial(random, jump - 1, left / waited);
    count += jump;
    left -= waited;
  }
  const limit = Math.exp(-left);
  for (let product = positive(random); product > limit; product *= positive(random)) count += 1;
  return count;
};

/** A stationary series of standard deviation 1 whose neighbours correlate; begins in its stationary law. */
export const autoregressive = (random: Random, length: number, correlation: number): Float64Array => {
  const series = new Float64Array(length);
  const innovation = Math.sqrt(1 - correlation * correlation);
  for (let index = 0; index < length; index += 1) {
    series[index] = index === 0 ? normal(random) : correlation * (series[index - 1] as number) + innovation * normal(random);
  }
  return series;
};

/** Standard normal rows in clusters: two rows of one cluster correlate by `correlation` (the intra-class correlation). */
export const clustered = (random: Random, clusters: number, rowsEach: number, correlation: number): Float64Array => {
  const rows = new Float64Array(clusters * rowsEach);
  for (let cluster = 0; cluster < clusters; cluster += 1) {
    const common = Math.sqrt(correlation) * normal(random);
    for (let row = 0; row < rowsEach; row += 1) {
      rows[cluster * rowsEach + row] = common + Math.sqrt(1 - correlation) * normal(random);
    }
  }
  return rows;
};
