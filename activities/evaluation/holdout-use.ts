import type { HoldoutUse } from '#domain/contracts/evaluation-report.ts';
import type { FeatureFrame } from '#domain/contracts/feature-set.ts';
import { trainingResultSchema } from '#domain/contracts/training-job.ts';
import { confidenceOfUse } from '#domain/stats/comparison/alpha-spending.ts';
import type { CpuDeps } from '../deps.ts';
import { readSpec } from '../ingest.ts';
import { type EvaluateInput, readFrame } from './subject.ts';

/**
 * What makes it the same hold-out. One that moves with time is another as soon as it has a newer day: its views, the
 * champion's columns and rows that came late change its bytes, but not what was learned from it. One that is chosen by a
 * hash keeps its rows for as long as the pipeline lives.
 */
const holdoutOf = ({ split }: FeatureFrame): { readonly newestDay: string } | { readonly kept: string } =>
  split.kind === 'time' && split.holdoutTo !== null ? { newestDay: split.holdoutTo.slice(0, 10) } : { kept: 'kept rows' };

/**
 * Counts this candidate on its hold-out, and says what the comparison with the champion may still claim. The same
 * candidate again, by another attempt or run, is the same use.
 */
export const countHoldoutUse = async (
  deps: Pick<CpuDeps, 'definitions' | 'registry' | 'content'>,
  input: EvaluateInput,
): Promise<HoldoutUse> => {
  const { gate } = await readSpec(deps, input);
  const frame = await readFrame(deps, input);
  const { trainingKey } = trainingResultSchema.parse(await deps.content.getJson(input.trainingResultSha256));
  const holdout = holdoutOf(frame);
  const used = await deps.registry.useHoldout({ pipeline: input.pipeline, holdout, trainingKey });
  const confidence = confidenceOfUse(gate.champion.confidence, used.number, 'kept' in holdout ? 'kept' : 'fresh');
  return { ...used, confidence };
};
