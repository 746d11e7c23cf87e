import type { DriftReport, VariableDrift } from '../../contracts/drift-report.ts';
import type { ReferenceProfile, WindowCounts } from '../../contracts/reference-profile.ts';
import { chiSquareUpperQuantile } from '../special/chi-square.ts';
import { adjustFamily, adjustFeatures } from './adjust-family.ts';
import { checkWindow } from './check-window.ts';
import { type Comparison, chooseComparison, referenceOf } from './comparator.ts';
import { driftWarnings } from './drift-warnings.ts';
import { findBreaches, type Supplied } from './find-breaches.ts';
import { type Measuring, measureVariable } from './measure-variable.ts';
import type { ComparedCounts } from './wasserstein-units.ts';
import { type Watched, watchedFeatures, watchedPredictions } from './watched-variables.ts';

export type DriftOptions = Supplied & {
  /** Digest of the profile that is passed: counters of another one are refused. */
  readonly profileSha256: string;
  /** Over the features of the window; Benjamini-Hochberg by default. */
  readonly correction?: DriftReport['correction'];
  /** Compare with this window instead of the profile: a second opinion, for which slow drift is invisible. */
  readonly lastWindow?: WindowCounts;
  /** PSI that must be told from noise, 0.1 by default. */
  readonly warnLevel?: number;
};

/**
 * One window of live traffic against the reference profile of its model: the evidence on which drift is decided.
 *
 * Compares each variable with the same slot of the season, or with the whole reference where the window covers a whole
 * season; a window that is neither is measured and called insufficient. Features are corrected as one family (critical
 * ones by Holm among themselves), scores and predicted classes as another, by Holm. Reads counters, extremes and means
 * only, so the report is the same in whatever order the counters were added up.
 *
 * A window without rows gives a report in which all is insufficient, with the breach "missing window". Throws RangeError
 * for counters of another profile (by digest, or by number of variables and cells), those of `previous` and `lastWindow`
 * included, for counters that are negative or not whole, and for a window without length.
 * 100 features of 20 cells with 720 quiet windows each take about 5 ms.
 *
 * Source: as for each measure; the design: size of a change and evidence that it is not noise, side by side.
 * Agrees with: test/golden/drift.json, `scipy` and `statsmodels`, 1e-9.
 */
export const measureDrift = (profile: ReferenceProfile, window: WindowCounts, options: DriftOptions): DriftReport => {
  checkWindow(profile, options.profileSha256, window);
  const { lastWindow, previous, correction = 'benjamini-hochberg' } = options;
  for (const other of [lastWindow, previous]) if (other !== undefined) checkWindow(profile, options.profileSha256, other);
  const comparison = chooseComparison(profile, window);
  const measuring = measuringOf(profile, comparison, options);
  const measureAll = (watch: typeof watchedPredictions): VariableDrift[] => {
    const last = lastWindow === undefined ? [] : watch(profile, lastWindow);
    return watch(profile, window).map((one, at) => measureVariable(one, comparedWith(one, last[at], comparison), measuring));
  };
  const features = adjustFeatures(measureAll(watchedFeatures), correction);
  const predictions = adjustFamily(measureAll(watchedPredictions), 'holm');
  return {
    format: 1,
    pipeline: profile.pipeline,
    profileSha256: window.profileSha256,
    from: window.from,
    to: window.to,
    rows: window.rows,
    comparator: lastWindow === undefined ? comparison.comparator : 'last window',
    correction,
    features,
    predictions,
    breaches: findBreaches(profile, window, options),
    warnings: driftWarnings(profile, [...features, ...predictions], measuring.unfair),
  };
};

/** What a variable is compared with, and the moments of those very rows where they are known. */
const comparedWith = ({ variable, counted }: Watched, last: Watched | undefined, comparison: Comparison): ComparedCounts => {
  const current = { current: counted.counts, currentMoments: counted.moments };
  if (last !== undefined) return { ...current, reference: last.counted.counts, referenceMoments: last.counted.moments };
  const referenceMoments = comparison.slot === null ? variable.moments : null;
  return { ...current, reference: referenceOf(variable, comparison), referenceMoments };
};

const measuringOf = (profile: ReferenceProfile, comparison: Comparison, options: DriftOptions): Measuring => {
  const isOwn = options.lastWindow === undefined;
  const points = new Map<number, number>();
  return {
    unfair: isOwn && !comparison.fair ? unfairReason : null,
    // Quiet windows were compared with the rest of their own slot, and with nothing else.
    rankable: isOwn && (comparison.slot !== null || profile.season.slots === 1),
    warnLevel: options.warnLevel ?? 0.1,
    critical: (degreesOfFreedom) => {
      const known = points.get(degreesOfFreedom) ?? chiSquareUpperQuantile(0.05, degreesOfFreedom);
      points.set(degreesOfFreedom, known);
      return known;
    },
  };
};

const unfairReason =
  'the reference has nothing like this window: no row in its slot of the season, or it covers part of a season';
