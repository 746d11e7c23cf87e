/** A watch that rests measures on and asks for no run: for a while (a snooze), or until somebody resumes it (a pause). */

/** How long a pause lasts where nobody ends it, in milliseconds: ten years, as every rest has an instant at which it ends. */
export const pauseMs = 10 * 365 * 86_400_000;

/**
 * Whether a rest has no end that anybody meant: it ends more than half a pause from now. A pause reads as a snooze in its
 * last five years, and a snooze of more than five years as a pause. Instants in milliseconds. Does not throw.
 */
export const isPause = (untilMs: number, nowMs: number): boolean => untilMs - nowMs > pauseMs / 2;

/** "paused by ada", or "snoozed by ada until 2026-01-02T12:00:00.000Z". */
export const restText = ({ by, untilMs }: { readonly by: string; readonly untilMs: number }, nowMs: number): string =>
  isPause(untilMs, nowMs) ? `paused by ${by}` : `snoozed by ${by} until ${new Date(untilMs).toISOString()}`;
