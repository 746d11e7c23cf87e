import type { QualityBreach } from '../../contracts/drift-report.ts';
import type { CellCounts, ReferenceProfile, WindowCounts } from '../../contracts/reference-profile.ts';
import { rowsCounted, rowsInCells } from '../summaries/cell-counts.ts';
import { breachIf, breachLimits } from './breach-limits.ts';
import { chanceOfOneCell, chanceOfSameCounts, isSame, onlyCell } from './frozen-feed.ts';
import { rowVolumePValue, type UsualVolume } from './row-volume.ts';
import { slotOfWindow } from './season.ts';
import type { Watched } from './watched-variables.ts';

const effectOf = ({ variable }: Watched): number => variable.quiet?.designEffect ?? 1;

/** A variable that varied in the reference has one value only, and chance does not do that. */
export const constantBreaches = (watched: Watched, reference: CellCounts): QualityBreach[] => {
  const { subject, variable, counted } = watched;
  const cell = onlyCell(counted);
  const rows = rowsInCells(reference);
  const varied = variable.moments === null || variable.moments.min !== variable.moments.max;
  const inCell = cell === null ? rows : (reference.cells[cell] as number);
  if (cell === null || !varied || inCell === rows) return [];
  const seen = rowsInCells(counted.counts);
  const chance = chanceOfOneCell({ inCell, rows, further: seen / effectOf(watched) });
  return breachIf('frozen feed', subject.name, `one value in all ${seen} rows: chance of it`, chance, '<', breachLimits.chance);
};

/** Every counter is that of the window before, and chance does not do that. */
export const unchangedBreaches = (
  watched: readonly Watched[],
  before: readonly Watched[],
  window: WindowCounts,
  previous: WindowCounts,
): QualityBreach[] => {
  const unchanged =
    window.rows === previous.rows && watched.every(({ counted }, at) => isSame(counted, (before[at] as Watched).counted));
  if (!unchanged) return [];
  const chances = watched.map((one) => chanceOfSameCounts(one.counted.counts.cells, effectOf(one)));
  const chance = chances.reduce((least, one) => Math.min(least, one), 1);
  return breachIf(
    'frozen feed',
    null,
    'all counters are those of the window before: chance of it',
    chance,
    '<',
    breachLimits.chance,
  );
};

/**
 * The window has no rows, or not as many as windows of its slot have. Only a window of the length that was counted in the
 * reference, within one slot, can be judged. No rows are a breach unless the slot often has none; another number of rows
 * is judged where the profile knows how volumes vary.
 *
 * Source: `rowVolumePValue`.
 */
export const volumeBreaches = (profile: ReferenceProfile, window: WindowCounts): QualityBreach[] => {
  const usual = usualVolume(profile, window);
  if (window.rows === 0) {
    const expected = usual !== null && rowVolumePValue(0, usual) >= breachLimits.chance;
    return expected ? [] : breachIf('missing window', null, 'rows of the window', 0, '=', 0);
  }
  if (usual === null || profile.season.overdispersion === undefined) return [];
  if (Math.abs(window.rows / usual.mean - 1) <= breachLimits.volumeChange) return [];
  const what = `${window.rows} rows where ${Math.round(usual.mean)} are usual: p-value`;
  return breachIf('row volume', null, what, rowVolumePValue(window.rows, usual), '<', breachLimits.chance);
};

const usualVolume = (profile: ReferenceProfile, { from, to }: WindowCounts): UsualVolume | null => {
  const { slot: kind, windowsBySlot, windowMs, overdispersion = 0 } = profile.season;
  const [start, end] = [Date.parse(from), Date.parse(to)];
  const slot = slotOfWindow(kind, start, end);
  const windows = slot === null ? 0 : (windowsBySlot[slot] ?? 0);
  if (slot === null || windows === 0 || end - start !== windowMs) return null;
  const mean = rowsOfSlot(profile, slot) / windows;
  return mean > 0 ? { mean, overdispersion, windows } : null;
};

/** Every variable counts every row, so the first one tells; 0 where there is none to ask. */
const rowsOfSlot = ({ season, rows, features, scores }: ReferenceProfile, slot: number): number => {
  if (season.slots === 1) return rows;
  const counts = (features[0] ?? scores[0])?.bySlot[slot];
  return counts === undefined ? 0 : rowsCounted(counts);
};
