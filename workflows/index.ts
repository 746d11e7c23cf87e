/** The bundle's front door: every name exported here can be started, and nothing else is exported. */
export { applyRetention } from './apply-retention.ts';
export { refreshViews } from './refresh-views.ts';
export { retrain } from './retrain.ts';
export { rollBack } from './roll-back.ts';
export { rollOut } from './roll-out.ts';
export { scheduledRetrain } from './scheduled-retrain.ts';
export { watchDrift } from './watch-drift.ts';
