/** Records what a run does, for everyone who asks PostgreSQL: Temporal forgets closed runs, we do not. */
import type { RetrainOutcome } from '#domain/contracts/retrain.ts';
import type { CpuSteps } from '../workflows/steps.ts';
import type { CpuDeps } from './deps.ts';

type RecordDeps = Pick<CpuDeps, 'runs'>;

export const createRecordStage =
  (deps: RecordDeps) =>
  ({ runKey, stage, state, summary }: Parameters<CpuSteps['recordStage']>[0]): Promise<void> =>
    deps.runs.recordStage(runKey, stage, state, summary);

export const createFinishRun =
  (deps: RecordDeps) =>
  (outcome: RetrainOutcome): Promise<void> =>
    deps.runs.finish(outcome);

export const createCountPollers =
  (deps: Pick<CpuDeps, 'countPollers'>) =>
  async ({ queue }: { readonly queue: string }): Promise<{ readonly pollers: number }> => ({
    pollers: await deps.countPollers(queue),
  });
