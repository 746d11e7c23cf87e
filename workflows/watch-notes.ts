/** What a watch leaves behind for people: numbered decisions, and notices. */
import { CancellationScope, workflowInfo } from '@temporalio/workflow';
import type { DecisionRecord } from '#domain/contracts/decision.ts';
import type { DraftDecision } from '#domain/decide/watch/judge-window.ts';
import { hearFailure, pushView } from '#domain/decide/watch/watch-state.ts';
import type { NoticeEvent } from '#domain/notice-events.ts';
import type { Instant } from '#domain/units.ts';
import { lastingSteps } from './step-options.ts';
import { passOverUntold } from './untold.ts';
import type { Watch } from './watch-desk.ts';

export const instantOf = (ms: number): Instant => new Date(ms).toISOString() as Instant;

/** The instant that the rules went by; the wall where data have no time yet. */
const decidedAt = ({ retrain }: Watch['state']): Instant => instantOf(retrain?.lastMs ?? Date.now());

/** Survives continue-as-new and is another one for a watch that was ended and began again. */
const lifeOf = (): string => {
  const { workflowId, firstExecutionRunId } = workflowInfo();
  return `${workflowId}/${firstExecutionRunId}`;
};

/** The record has all of it; the state is carried along by every continue-as-new. */
const sentenceCharacters = 200;
const shorten = (text: string): string => (text.length > sentenceCharacters ? `${text.slice(0, sentenceCharacters - 1)}…` : text);

/** Gives decisions their numbers, shows them, and keeps them for `record`. */
export const note = (watch: Watch, drafts: readonly DraftDecision[], records: DecisionRecord[]): void => {
  for (const draft of drafts) {
    const { state } = watch;
    const number = state.counters.decisions + 1;
    const at = decidedAt(state);
    records.push({ format: 1, key: `${lifeOf()}/${number}`, pipeline: watch.pipeline, at, ...draft });
    const view = { at, decision: draft.action, reason: draft.kind, sentence: shorten(draft.reason) };
    watch.state = {
      ...state,
      counters: { ...state.counters, decisions: number },
      decisions: pushView(state.decisions, view),
    };
  }
};

/**
 * Tells a person, once: the notice has a number of its own. That nobody can be told, say because the newest definition
 * cannot be read, is no reason to leave the rest of a look undecided.
 */
export const tell = async (watch: Watch, event: NoticeEvent, text: string, link: string | null = null): Promise<void> => {
  const { state, pipeline } = watch;
  const number = state.counters.notices + 1;
  watch.state = { ...state, counters: { ...state.counters, notices: number } };
  const notice = {
    key: `${lifeOf()}/${event}/${number}`,
    pipeline,
    event,
    text: text.slice(0, 2000),
    link: link ?? `/pipelines/${pipeline}`,
  };
  try {
    await lastingSteps.sendNotice.executeWithOptions({ summary: `tell: ${event}` }, [notice]);
  } catch (error) {
    passOverUntold(event, error);
  }
};

/** Looks that keep failing, in all or in part, are told of once, until one succeeds. */
export const tellFailing = async (watch: Watch, problem: string, isFinal: boolean): Promise<void> => {
  const { failing, tells } = hearFailure(watch.state.failing, isFinal);
  watch.state = { ...watch.state, failing };
  if (tells) await tell(watch, 'silent', `${watch.pipeline}: ${problem}`);
};

/** The most that one record carries is some tens of kilobytes; a payload may have two megabytes. */
const recordsAtOnce = 16;

/** Keeps all of them, however long PostgreSQL is away, and although the watch is cancelled: what was decided was done. */
export const record = (pipeline: string, records: readonly DecisionRecord[]): Promise<void> =>
  CancellationScope.nonCancellable(() => recordAll(pipeline, records));

const recordAll = async (pipeline: string, records: readonly DecisionRecord[]): Promise<void> => {
  for (let from = 0; from < records.length; from += recordsAtOnce) {
    const decisions = records.slice(from, from + recordsAtOnce);
    await lastingSteps.recordDecisions.executeWithOptions(
      { summary: `${pipeline}: ${decisions.map(({ action }) => action).join(', ')}`.slice(0, 200) },
      [{ decisions }],
    );
  }
};
