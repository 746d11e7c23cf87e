import type { DriftPolicy } from '../../contracts/drift-state.ts';

/**
 * Hysteresis by size and by number of windows: a change must be large, no accident, and stay. A change of just the level
 * must be found, so the level is reached where the change may be as large: by the upper end of its 95 % interval.
 */
export const defaultDriftPolicy: DriftPolicy = {
  warn: 0.1,
  enter: 0.2,
  enterBy: 'upper limit',
  leave: 0.1,
  significance: 0.05,
  needed: 2,
  of: 3,
  share: 0.2,
  weights: 'importance',
  criticalAlone: true,
  predictionsAlone: true,
};

/**
 * To compare with reports of Evidently: half of the columns, each counting the same, in the one window that is looked at.
 * Three of twenty features may be destroyed under it without an alarm.
 *
 * Source: evidentlyai/evidently at a4aa4c2, `DataDriftPreset`: drift_share 0.5.
 */
export const halfOfColumnsPolicy: DriftPolicy = {
  ...defaultDriftPolicy,
  enterBy: 'estimate',
  needed: 1,
  of: 1,
  share: 0.5,
  weights: 'equal',
  criticalAlone: false,
  predictionsAlone: false,
};
