import type { RetrainAsked, RetrainObservation } from '../../contracts/retrain-policy.ts';
import type { EndedRun, PerformanceMeasured, PerformanceVerdict, WatchMeasurement, WatchWindow } from '../../contracts/watch.ts';
import { signalOfVerdict } from '../retrain/signals.ts';
import { nameSpan } from './judge-window.ts';

type Signals = RetrainObservation['signals'];

/** One thing that happened, in the order in which it is decided upon. */
export type Occasion =
  | { readonly kind: 'ended'; readonly run: EndedRun; readonly cameToNothing?: boolean }
  | { readonly kind: 'window'; readonly window: WatchWindow }
  | { readonly kind: 'matured'; readonly measured: PerformanceVerdict }
  | { readonly kind: 'estimate'; readonly measured: NonNullable<PerformanceMeasured['estimate']> }
  | { readonly kind: 'asked'; readonly asked: RetrainAsked; readonly subject: string }
  | { readonly kind: 'look' };

/** Instants of one form and zone order as their text does. */
const endOf = (occasion: Occasion): string => {
  if (occasion.kind === 'window') return occasion.window.observation.to;
  return occasion.kind === 'matured' || occasion.kind === 'estimate' ? occasion.measured.to : '';
};

/**
 * What a look found, one after the other: runs that ended, then windows by their end, drift before labels before the
 * estimate. A look that found none of these is an occasion by itself: time has passed.
 */
export const occasionsOf = (found: WatchMeasurement, estimatedUntil: string | null): readonly Occasion[] => {
  const estimate = found.performance?.estimate ?? null;
  const windows: Occasion[] = [
    ...found.windows.map((window): Occasion => ({ kind: 'window', window })),
    ...(found.performance?.windows ?? []).map((measured): Occasion => ({ kind: 'matured', measured })),
    ...(estimate !== null && (estimatedUntil === null || estimate.to > estimatedUntil)
      ? [{ kind: 'estimate', measured: estimate } satisfies Occasion]
      : []),
  ];
  const all: Occasion[] = [
    ...found.ended.map((run): Occasion => ({ kind: 'ended', run })),
    // Sorting is stable, so what ends together stays in the order above.
    ...windows.sort((left, right) => (endOf(left) < endOf(right) ? -1 : endOf(left) > endOf(right) ? 1 : 0)),
  ];
  return all.length === 0 ? [{ kind: 'look' }] : all;
};

/** What an occasion is about, for whoever reads the record. */
export const subjectOf = (occasion: Occasion): string => {
  if (occasion.kind === 'window') return nameSpan(occasion.window.observation);
  if (occasion.kind === 'matured' || occasion.kind === 'estimate') return nameSpan(occasion.measured);
  if (occasion.kind === 'ended' && occasion.run.runKey !== ('' as string)) return occasion.run.runKey;
  return occasion.kind === 'asked' ? occasion.subject : 'watch';
};

const silence: Signals = { performance: null, estimate: null, drift: null, calibration: null };

/** What an occasion says to the triggers; `drift` is the signal of a window that was judged. Others say nothing. */
export const signalsOf = (occasion: Occasion, drift: Signals['drift']): Signals => {
  if (occasion.kind === 'window') return { ...silence, drift };
  if (occasion.kind === 'matured') return { ...silence, ...ofMatured(occasion.measured) };
  if (occasion.kind !== 'estimate') return silence;
  const { verdict, calibrationError, calibrationLimit } = occasion.measured;
  const estimate = signalOfVerdict('estimated performance', verdict);
  return { ...silence, estimate: estimate === null ? null : { ...estimate, calibrationError, calibrationLimit } };
};

/** Where the ranking has failed the cure is a training, and its own signal says so already. */
const ofMatured = ({ performance, calibration }: PerformanceVerdict): Pick<Signals, 'performance' | 'calibration'> => ({
  performance: performance === null ? null : signalOfVerdict('performance', performance),
  calibration:
    calibration === null || calibration.remedy === 'retrain' ? null : signalOfVerdict('calibration', calibration.verdict),
});
