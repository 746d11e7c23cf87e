/** A run's candidate on its way: the rollout as a child workflow. */
import { WorkflowExecutionAlreadyStartedError, WorkflowIdReusePolicy } from '@temporalio/common';
import { executeChild, ParentClosePolicy } from '@temporalio/workflow';
import type { RolloutOutcome } from '#domain/contracts/rollout.ts';
import type { VersionNumber } from '#domain/units.ts';
import { failure } from './failures.ts';
import { rollOutWorkflowId, searchAttributes } from './names.ts';
import type { rollOut } from './roll-out.ts';
import type { RunRef } from './steps.ts';

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

const start = ({ ref, version, championVersion, by, reason }: Wanted): Promise<RolloutOutcome> => {
  const { pipeline, definitionSha256 } = ref;
  return executeChild<typeof rollOut>('rollOut', {
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

/** Throws PRN_CONFLICT where this version is being rolled out already, and what the rollout failed with. */
export const rollOutCandidate = async (wanted: Wanted) => {
  try {
    return toEnding(await start(wanted), wanted.reason);
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    const { pipeline } = wanted.ref;
    throw failure(
      'PRN_CONFLICT',
      `Cannot roll version ${wanted.version} of "${pipeline}" out as it is being rolled out already`,
      error,
    );
  }
};
