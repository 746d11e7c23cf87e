/** A source of uniform numbers in [0, 1); the same seed gives the same numbers on every machine. */
export type Random = () => number;

/**
 * A seeded 32-bit generator: the only source of chance in this folder. Integer arithmetic only, so it does not change
 * with the JavaScript engine. Good for resampling, not for secrets: it has 2^32 states.
 *
 * Source: mulberry32, in the public domain.
 * Agrees with: test/golden/vectors.json "paired_bootstrap", to its ten digits.
 * @example createRandom(42)() // 0.6011037519201636
 */
export const createRandom = (seed: number): Random => {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
};
