/** What a pipeline may ask to be told of. Outside the contracts, because workflows may import no value from those. */
export const noticeEvents = [
  'retrain started',
  'retrain failed',
  'promoted',
  'rejected',
  'rolled back',
  'held',
  'quarantined',
  'waiting for approval',
  'drift',
  'performance',
  'backed off',
  'no gpu worker',
  'silent',
] as const;
export type NoticeEvent = (typeof noticeEvents)[number];
