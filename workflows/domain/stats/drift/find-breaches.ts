import type { QualityBreach } from '../../contracts/drift-report.ts';
import type { ReferenceProfile, WindowCounts } from '../../contracts/reference-profile.ts';
import { checkShare, type Share } from '../two-sample/proportions.ts';
import { breachIf, breachLimits } from './breach-limits.ts';
import { chooseComparison, referenceOf } from './comparator.ts';
import { constantBreaches, unchangedBreaches, volumeBreaches } from './feed-breaches.ts';
import { missingBreaches, newCategoryBreaches, rangeBreaches, riseBreaches, unusableBreaches } from './rate-breaches.ts';
import { watchedFeatures, watchedPredictions } from './watched-variables.ts';

/** What counters cannot show, and who watches may know. */
export type Supplied = {
  /** The window before this one: a feed that repeats itself is frozen. */
  readonly previous?: WindowCounts;
  /** Rows that repeat an earlier row or key. */
  readonly duplicates?: Share;
  /** Rows without a label, of those whose label is due: in the reference and now. */
  readonly unlabelled?: { readonly reference: Share; readonly current: Share };
};

/**
 * What is broken in a window, as opposed to changed: such rows are set aside and a person is called; they are no reason to
 * retrain. Each breach states its inequality with the numbers. Empty where nothing is broken.
 *
 * Asks of every feature: missing rate, values of no use, new categories, range, one value only; of scores and predicted
 * classes: missing or of no use; of the window: its rows, counters unchanged since the window before, repeated rows, rows
 * without a label. Rates are compared with the same slot of the season where there is one, else with the whole reference.
 * A window without rows has one breach at most, "missing window". The counters must be of the profile (`checkWindow`).
 * Throws RangeError for a supplied share that is none.
 *
 * Source: as for each check. Bounds are those of 95 % intervals, for each variable by itself.
 */
export const findBreaches = (profile: ReferenceProfile, window: WindowCounts, supplied: Supplied = {}): QualityBreach[] => {
  const ofWindow = volumeBreaches(profile, window);
  if (window.rows === 0) return ofWindow;
  const comparison = chooseComparison(profile, window);
  const features = watchedFeatures(profile, window);
  const predictions = watchedPredictions(profile, window);
  return [
    ...ofWindow,
    ...(supplied.previous === undefined
      ? []
      : unchangedBreaches(features, watchedFeatures(profile, supplied.previous), window, supplied.previous)),
    ...suppliedBreaches(supplied),
    ...[...features, ...predictions].flatMap((one) => [
      ...missingBreaches(one, referenceOf(one.variable, comparison)),
      ...unusableBreaches(one),
    ]),
    ...features.flatMap((one) => [
      ...newCategoryBreaches(one),
      ...rangeBreaches(one),
      ...constantBreaches(one, referenceOf(one.variable, comparison)),
    ]),
  ];
};

const suppliedBreaches = ({ duplicates, unlabelled }: Supplied): QualityBreach[] => {
  if (duplicates !== undefined) checkShare(duplicates);
  const repeated =
    duplicates === undefined || duplicates.rows === 0
      ? []
      : breachIf(
          'duplicate rows',
          null,
          'share of repeated rows',
          duplicates.count / duplicates.rows,
          '>',
          breachLimits.duplicates,
        );
  const unknown = unlabelled === undefined ? [] : riseBreaches('labelled share', null, unlabelled.reference, unlabelled.current);
  return [...repeated, ...unknown];
};
