/** Decides upon one thing that a look found, acts, and tells. */
import { patched } from '@temporalio/workflow';
import type { DecisionRecord } from '#domain/contracts/decision.ts';
import type { WatchFacts, WatchMeasurement } from '#domain/contracts/watch.ts';
import { type Decided, decideOccasion } from '#domain/decide/watch/decide-occasion.ts';
import { type DraftDecision, decisionOfPerformance } from '#domain/decide/watch/judge-window.ts';
import { type Occasion, subjectOf } from '#domain/decide/watch/occasions.ts';
import { pushView } from '#domain/decide/watch/watch-state.ts';
import type { Watch } from './watch-desk.ts';
import { type Launched, launchRetrain } from './watch-launch.ts';
import { instantOf, note, tell } from './watch-notes.ts';

/** What one look found, and the decisions that are to be recorded when it ends. */
export type Look = { readonly found: WatchMeasurement; readonly records: DecisionRecord[]; readonly facts: WatchFacts };

/** A run that cannot be made, or was made before, ends as it begins: the next decision hears of it. */
const endAtOnce = (launched: Exclude<Launched, { kind: 'started' }>): Occasion => {
  const endedAt = instantOf(Date.now());
  const runKey = launched.kind === 'same' ? launched.runKey : '';
  const reason = launched.kind === 'same' ? `the same run ended ${launched.outcome} before` : launched.reason;
  // Nothing was learnt, so it neither counts nor forgives; but a run that cannot even begin has failed.
  const outcome = launched.kind === 'same' ? 'inconclusive' : 'failed';
  const run = { runKey, outcome, reason, endedAt } as Extract<Occasion, { kind: 'ended' }>['run'];
  return { kind: 'ended', run, cameToNothing: true };
};

const sentenceOf = (decided: Decided, launched: Launched): string => {
  const { sentence } = decided.retrain;
  if (launched.kind === 'started') return sentence;
  if (launched.kind === 'failed') return `${sentence}; but it cannot begin: ${launched.reason}`;
  return `${sentence}; but the same data, code and definition were run before: ${launched.outcome}`;
};

export type Acted = { readonly launched: Launched | null; readonly next: Occasion | null; readonly sentence: string };

/** Starts what was decided. A recalibration is a whole run as well: it fits a new calibrator on the newest labels. */
const act = async (watch: Watch, decided: Decided, why: string): Promise<Acted> => {
  const { decision, sentence } = decided.retrain;
  if (decision !== 'retrain' && decision !== 'recalibrate') return { launched: null, next: null, sentence };
  const launched = await launchRetrain(watch, why);
  const said = sentenceOf(decided, launched);
  if (launched.kind !== 'started') return { launched, next: endAtOnce(launched), sentence: said };
  const { workflowId, runKey } = launched;
  const { state } = watch;
  watch.state = { ...state, run: { workflowId, runKey }, counters: { ...state.counters, runs: state.counters.runs + 1 } };
  return { launched, next: null, sentence: said };
};

/** The record of a run that was started is about that run. */
const aboutRun = (drafts: readonly DraftDecision[], { launched, sentence }: Acted): DraftDecision[] =>
  drafts.map((draft) => {
    if (draft.kind !== 'retrain' || launched === null) return draft;
    return { ...draft, subject: launched.kind === 'failed' ? draft.subject : launched.runKey, reason: sentence };
  });

const showWindow = (watch: Watch, occasion: Occasion, decisions: readonly DraftDecision[]): void => {
  const [judged] = decisions;
  if (judged === undefined) return;
  const view = { outcome: judged.action, reason: judged.reason.slice(0, 200) };
  const { state } = watch;
  if (occasion.kind === 'window') {
    const { observation, reportSha256 } = occasion.window;
    const report = { kind: 'drift', from: observation.from, to: observation.to, reportSha256, ...view } as const;
    const counters = { ...state.counters, windows: state.counters.windows + 1 };
    watch.state = { ...state, counters, reports: pushView(state.reports, report) };
  }
  if (occasion.kind === 'matured') {
    const { from, to, reportSha256 } = occasion.measured;
    watch.state = {
      ...state,
      performance: view,
      reports: pushView(state.reports, { kind: 'performance', from, to, reportSha256, ...view }),
    };
  }
};

/** Guards the notice of wrong probabilities: watches that began before told of breaches alone. */
const tellsMiscalibration = 'tell-miscalibration';

const beganToFail = (outcome: string, before: string | undefined): boolean =>
  outcome !== before && (outcome === 'breach' || (outcome === 'miscalibrated' && patched(tellsMiscalibration)));

/** What people are told of an occasion, once when it begins. */
const tellOf = async (watch: Watch, occasion: Occasion, decided: Decided, before: Watch['state']): Promise<void> => {
  const { pipeline } = watch;
  if (decided.raised) await tell(watch, 'drift', `${pipeline}, window ${subjectOf(occasion)}: ${decided.decisions[0]?.reason}`);
  if (occasion.kind === 'window') {
    const isBroken = occasion.window.observation.breaches.length > 0;
    watch.state = { ...watch.state, openBreaches: isBroken };
    if (isBroken && !before.openBreaches)
      await tell(
        watch,
        'quarantined',
        `${pipeline}, window ${subjectOf(occasion)} is quarantined and no reason to retrain: ${decided.decisions[0]?.reason}`,
      );
  }
  const { performance } = watch.state;
  if (occasion.kind === 'matured' && performance !== null && beganToFail(performance.outcome, before.performance?.outcome))
    await tell(watch, 'performance', `${pipeline}, window ${subjectOf(occasion)}: ${performance.reason}`);
  if (occasion.kind === 'ended' && occasion.run.outcome === 'failed')
    await tell(
      watch,
      'retrain failed',
      `${pipeline}: ${occasion.run.reason}`,
      occasion.run.runKey === ('' as string) ? null : `/runs/${occasion.run.runKey}`,
    );
  if (decided.retrain.page !== null) await tell(watch, 'backed off', `${pipeline}: ${decided.retrain.page}`);
};

/** What was found of a window, with its numbers: the decision to retrain only says that it counts. */
const foundIn = (drafts: readonly DraftDecision[]): string[] =>
  drafts.flatMap(({ kind, reason }) => (kind === 'retrain' ? [] : [reason]));

/** Decides upon one occasion and acts; gives what was decided, for whoever asked. */
export const settle = async (watch: Watch, look: Look, occasion: Occasion, why?: string): Promise<Decided & Acted> => {
  const before = watch.state;
  const decided = decideOccasion(before, look.facts, occasion);
  watch.state = decided.state;
  if (occasion.kind === 'ended' && watch.state.run?.runKey === occasion.run.runKey) watch.state = { ...watch.state, run: null };
  const measured = occasion.kind === 'matured' ? decisionOfPerformance(occasion.measured) : null;
  const acted = await act(watch, decided, why ?? decided.retrain.sentence);
  const drafts = [...(measured === null ? [] : [measured]), ...aboutRun(decided.decisions, acted)];
  note(watch, drafts, look.records);
  showWindow(watch, occasion, drafts);
  await tellOf(watch, occasion, { ...decided, decisions: drafts }, before);
  if (acted.launched?.kind === 'started')
    await tell(
      watch,
      'retrain started',
      `${watch.pipeline}: ${[acted.sentence, ...foundIn(drafts)].join('; ')}`,
      `/runs/${acted.launched.runKey}`,
    );
  if (acted.next !== null) await settle(watch, look, acted.next);
  return { ...decided, ...acted };
};
