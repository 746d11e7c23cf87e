/**
 * A server that said nothing for longer is not counted as alive. Shorter, and a server in a garbage collection is
 * overlooked; longer, and a server that died holds a promotion back.
 */
export const reportAgeMs = 15_000;
