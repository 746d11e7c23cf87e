/** A run's candidate on its way: the rollout as a child workflow. */
import { WorkflowExecutionAlreadyStartedError, WorkflowIdReusePolicy } from '@temporalio/common';
import { CancellationScope, ParentClosePolicy, startChild, workflowInfo } from '@temporalio/workflow';
import type { RolloutOutcome } from '#domain/contracts/rollout.ts';
import type { VersionNumber } from '#domain/units.ts';
import { codeOf, failure, isFailure, messageOf } from './failures.ts';
import { rollOutWorkflowId, rolloutIdOf, searchAttributes } from './names.ts';
import type { rollOut } from './roll-out.ts';
import type { RunRef } from './run-ref.ts';
import { lastingSteps } from './step-options.ts';

export type Wanted = {
  readonly ref: RunRef;
  readonly version: VersionNumber;
  /** Which the candidate was compared with. */
  readonly championVersion: VersionNumber;
  readonly by: string;
  /** Why it deserves it: what the gate said. */
  readonly reason: string;
};

/** Rolled back is an answer, not an error: the champion was better. */
const toEnding = ({ end, reason, observed }: RolloutOutcome, gate: string) =>
  end === 'promoted'
    ? ({ verdict: 'promoted', reason: `${gate}; ${reason}; ${observed}` } as const)
    : ({ verdict: 'rejected', reason } as const);

/** Nothing is rolled out where the candidate is the champion itself. */
export const alreadyChampion = ({ version, reason }: Wanted) =>
  ({ verdict: 'promoted', reason: `${reason}; version ${version} is champion already` }) as const;

const start = ({ ref, version, championVersion, by, reason }: Wanted) => {
  const { pipeline, definitionSha256 } = ref;
  return startChild<typeof rollOut>('rollOut', {
    workflowId: rollOutWorkflowId(pipeline, version),
    args: [{ format: 1, pipeline, version, definitionSha256, championVersion, by, reason }],
    // Cancelled with its run, it takes the candidate back; terminated without a word it could not.
    parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
    // A version may be rolled out again: what went wrong may have been the world's fault.
    workflowIdReusePolicy: WorkflowIdReusePolicy.ALLOW_DUPLICATE,
    staticSummary: `Roll out version ${version} of ${pipeline}`,
    searchAttributes: { [searchAttributes.pipeline]: [pipeline] },
  });
};

const alreadyRunning = ({ ref, version }: Wanted, error: unknown) => {
  const message = `Cannot roll version ${version} of "${ref.pipeline}" out as it is being rolled out already`;
  return failure('PRN_CONFLICT', message, error);
};

/** A rollout that was terminated undid nothing: its candidate would stay for ever, judged by nobody. */
const takeBackWhatIsLeft = async ({ ref, version }: Wanted, firstRunId: string, error: unknown): Promise<void> => {
  const rolloutId = rolloutIdOf(ref.pipeline, version, firstRunId);
  try {
    await lastingSteps.endRollout.executeWithOptions({ summary: `leave nothing of version ${version}` }, [
      {
        pipeline: ref.pipeline,
        rolloutId,
        end: 'rolled back',
        expectedGeneration: null,
        by: workflowInfo().workflowId,
        reason: messageOf(error),
      },
    ]);
  } catch (left) {
    if (codeOf(left) !== 'PRN_DEPLOY_CONFLICT' && codeOf(left) !== 'PRN_NOT_FOUND') throw left;
  }
};

/** Throws PRN_CONFLICT where this version is being rolled out already, and what the rollout failed with. */
export const rollOutCandidate = async (wanted: Wanted) => {
  const child = await start(wanted).catch((error: unknown) => {
    throw error instanceof WorkflowExecutionAlreadyStartedError ? alreadyRunning(wanted, error) : error;
  });
  try {
    return toEnding(await child.result(), wanted.reason);
  } catch (error) {
    if (!isFailure(error)) throw error;
    await CancellationScope.nonCancellable(() => takeBackWhatIsLeft(wanted, child.firstExecutionRunId, error));
    throw error;
  }
};
