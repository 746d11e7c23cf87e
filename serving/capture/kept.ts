import type { Ratio } from '#domain/units.ts';

/** The last 32 bits of an id of version 7 are chance. */
const chanceFrom = 28;
const chances = 2 ** 32;

/**
 * Whether the answered row of this id is logged, of a share. By the id alone, so that both arms of a shadow keep the same rows, and
 * a larger share keeps what a smaller one kept.
 */
export const isKept = (id: string, share: Ratio): boolean =>
  share >= 1 || Number.parseInt(id.slice(chanceFrom), 16) / chances < share;
