/** The bundle's front door: every name exported here can be started, and nothing else is exported. */
export { retrain } from './retrain.ts';
