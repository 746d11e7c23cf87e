/** The stages of a run, in their order. Outside the contracts, because workflows may import no value from those. */
export const stageNames = [
  'admit',
  'ingest',
  'validate',
  'freeze',
  'features',
  'train',
  'evaluate',
  'gate',
  'register',
  'approve',
  'publish',
  'promote',
] as const;
export type StageName = (typeof stageNames)[number];
