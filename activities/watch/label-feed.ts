/** Whether labels still come, where no horizon says by when they must have and they never all came. */
import type { LabelFeed } from '#domain/contracts/watch.ts';
import { findLabelledShareBreach } from '#domain/decide/performance/labelled-share-breach.ts';
import { compareLabelledShare } from '#domain/stats/performance/labelled-share.ts';
import type { LabelWaits } from '#domain/stats/performance/lag-curve.ts';
import { missedAfter } from '#domain/stats/performance/usual-wait.ts';
import { confidence, type Window } from './performance-windows.ts';

/**
 * Compares the newest window by whose age labels had always come with those before it; null where it cannot be told, or
 * where windows mature, for then their labelled share says it.
 */
export const feedOf = (waits: LabelWaits, windows: readonly Window[]): LabelFeed | null => {
  if (windows.some(({ maturity }) => maturity.afterMs !== null)) return null;
  const afterMs = missedAfter(waits);
  const due = windows.filter(({ maturity }) => afterMs !== null && maturity.ageMs > afterMs);
  const [newest, earlier] = [due.at(-1), due.slice(0, -1)];
  if (newest === undefined || earlier.length === 0) return null;
  const sum = (of: 'labelled' | 'predictions') => earlier.reduce((total, { rows }) => total + rows[of], 0);
  const evidence = compareLabelledShare({ labelled: sum('labelled'), predictions: sum('predictions') }, newest.rows, confidence);
  const breach = findLabelledShareBreach(evidence);
  return breach === null ? 'as usual' : { from: newest.from, to: newest.to, statement: breach.statement };
};
