/** A person's word before a promotion, where the pipeline asks for it. */
import { ApplicationFailure } from '@temporalio/common';
import { condition, setHandler } from '@temporalio/workflow';
import { approvePromotionUpdate, type Decision, type RetrainStatus, rejectPromotionUpdate } from './messages.ts';

export type Answer = Decision & { readonly approved: boolean };
export type ApprovalDesk = {
  /** Waits for an answer; null when nobody gave one in time. Updates are refused before and after. */
  ask(withinMs: number): Promise<Answer | null>;
};

const refuse = (message: string): never => {
  throw ApplicationFailure.nonRetryable(message, 'PRN_CONFLICT');
};

/** Validators see unparsed input and are synchronous: what they refuse leaves no trace in the history. */
export const checkDecision = (decision: Partial<Decision> | null | undefined): void => {
  for (const field of ['by', 'reason'] as const) {
    const value: unknown = decision?.[field];
    if (typeof value !== 'string' || value.trim() === '' || value.length > 1000) {
      throw ApplicationFailure.nonRetryable(
        `Cannot decide as "${field}" must be a text of 1 to 1000 characters`,
        'PRN_INPUT_INVALID',
      );
    }
  }
};

/** Registers the updates; to be called before anything is awaited, or an early update finds no handler. */
export const openApprovalDesk = (status: () => RetrainStatus): ApprovalDesk => {
  let asked = false;
  let answer: Answer | null = null;
  const validator = (decision: Decision): void => {
    checkDecision(decision);
    if (!asked) refuse('Cannot decide as this run does not wait for approval');
    if (answer !== null)
      refuse(`Cannot decide as ${answer.by} already ${answer.approved ? 'approved' : 'rejected'} this promotion`);
  };
  const decide = (approved: boolean) => (decision: Decision) => {
    answer = { ...decision, approved };
    return status();
  };
  setHandler(approvePromotionUpdate, decide(true), {
    validator,
    description: 'Lets the registered candidate become the champion. Argument: { by, reason }',
  });
  setHandler(rejectPromotionUpdate, decide(false), {
    validator,
    description: 'Keeps the champion and ends the run as rejected. Argument: { by, reason }',
  });
  return {
    ask: async (withinMs) => {
      asked = true;
      await condition(() => answer !== null, withinMs, { summary: 'no approval by then: the champion stays' });
      asked = false;
      return answer;
    },
  };
};
