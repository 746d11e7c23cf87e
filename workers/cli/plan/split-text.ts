import type { PipelineSpec } from '#domain/contracts/pipeline-spec/pipeline-spec.ts';
import { defaultShare } from '../../../infra/features/split.ts';
import { formatDuration } from '../quantity.ts';

const shareText = (share: number): string => `${Number((share * 100).toFixed(2))}%`;

const sizeOf = ({ training }: PipelineSpec): string => {
  const { holdout } = training;
  if (holdout?.kind === 'time') return formatDuration(holdout.ms);
  return `${shareText(holdout?.share ?? defaultShare)} of the rows`;
};

/** Which rows will be held out: the one choice that decides what every later number means. */
export const splitText = (spec: PipelineSpec): string => {
  const { event_time: time, key } = spec.data;
  if (time !== undefined) return `by time: the newest ${sizeOf(spec)} by "${time}" are held out`;
  const by = key === undefined ? 'all features of a row' : key.map((name) => `"${name}"`).join(', ');
  return `by chance: ${sizeOf(spec)} are held out, by a hash of ${by}`;
};
