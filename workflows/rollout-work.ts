/** A rollout in work, as the files beside `roll-out.ts` hand it around. */
import type { RolloutBoard } from './rollout-board.ts';
import type { RolloutDesk } from './rollout-desk.ts';
import type { Live } from './rollout-live.ts';

export type End = { readonly end: 'promoted' | 'rolled back'; readonly generation: number; readonly reason: string };
/** Gives the generation that it made; null where there was nothing to undo. */
export type Undo = () => Promise<number | null>;
/** A rollout in work: what it knows, whom it hears, where it tells, and how it is undone, oldest first. */
export type Work = { readonly live: Live; readonly desk: RolloutDesk; readonly board: RolloutBoard; readonly undo: Undo[] };
