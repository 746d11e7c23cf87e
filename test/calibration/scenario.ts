import { createRandom, type Random } from '#domain/stats/random.ts';

/** What a finding must hold; null where a figure is only shown, as those of the naive rules are. */
export type Target = { readonly operator: '<=' | '>='; readonly value: number };

/** How often something happened in independent repetitions: judged by its exact binomial bound. */
export type Proportion = {
  readonly what: string;
  /** `ours`, or the name of the rule that runs beside it. */
  readonly rule: string;
  readonly successes: number;
  readonly trials: number;
  readonly target: Target | null;
};

/** A figure that is no proportion, such as a median. `between` is its 99 % interval, where the scenario knows one. */
export type Measured = {
  readonly what: string;
  readonly rule: string;
  readonly value: number;
  readonly unit: string;
  readonly between?: readonly [number, number];
  readonly target: Target | null;
};

export type Finding = Proportion | Measured;

/**
 * A world in which the truth is known, and what our rule and the naive ones make of it. The topic is the name of its
 * file in `scenarios/`, which exports `scenarios`: a list of these.
 */
export type Scenario = {
  /** Unique within its topic, in words. */
  readonly name: string;
  /** One sentence: what is promised. */
  readonly claim: string;
  /** `full` asks for all repetitions; otherwise for as many as run in two seconds. Same seed, same findings. */
  readonly rows: (full: boolean) => Iterable<Finding> | Promise<Iterable<Finding>>;
};

/** The seed that everything in this folder is derived from. */
export const baseSeed = 20261121;

/**
 * Chance of its own for every name: the generator has 2^32 states, so nearby seeds would be the same numbers, shifted.
 *
 * Source: FNV-1a over the name, then the 32-bit finaliser of MurmurHash3.
 */
export const chance = (name: string, seed: number = baseSeed): Random => {
  let hash = (0x811c9dc5 ^ seed) >>> 0;
  for (const character of name) hash = Math.imul(hash ^ (character.codePointAt(0) as number), 0x01000193) >>> 0;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return createRandom((hash ^ (hash >>> 16)) >>> 0);
};

/** Repeats an experiment with chance of its own for each repetition, and counts in how many of them it happened. */
export const countOf = (name: string, trials: number, happens: (random: Random, trial: number) => boolean): number => {
  let successes = 0;
  for (let trial = 0; trial < trials; trial += 1) if (happens(chance(`${name} ${trial}`), trial)) successes += 1;
  return successes;
};
