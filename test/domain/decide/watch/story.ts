/** A watch without Temporal: what a workflow does between its steps, for stories of many days. */
import type { WatchFacts, WatchState } from '#domain/contracts/watch.ts';
import type { MadeDecision } from '#domain/decide/watch/backtest.ts';
import { type Decided, decideOccasion } from '#domain/decide/watch/decide-occasion.ts';
import type { DraftDecision } from '#domain/decide/watch/judge-window.ts';
import type { Occasion } from '#domain/decide/watch/occasions.ts';
import { beginWatch, followModel } from '#domain/decide/watch/watch-state.ts';
import { beginMs, labels, modelOf, watchPlan } from '../../../workflows/pretend-watch.ts';
import { frozen } from '../retrain/observed.ts';

export const factsOf = (over: Partial<WatchFacts> = {}): WatchFacts => ({
  dataTime: null,
  model: modelOf(),
  trainedAtMs: beginMs,
  labels: labels().labels,
  gain: null,
  openBreaches: 0,
  otherRuns: [],
  ...over,
});

export const beginStory = (retrain: object = {}): WatchState =>
  followModel({ ...beginWatch('churn' as never, beginMs), plan: watchPlan({}, retrain) }, modelOf());

export type Lived = { readonly state: WatchState; readonly decided: readonly Decided[]; readonly rows: readonly DraftDecision[] };

/** Decides upon one after the other, each as of its facts; arguments are frozen. */
export const live = (begin: WatchState, occasions: readonly (readonly [Occasion, Partial<WatchFacts>?])[]): Lived => {
  let state = begin;
  const decided = occasions.map(([occasion, facts]) => {
    const one = decideOccasion(frozen(state), frozen(factsOf(facts)), frozen(occasion));
    state = one.state;
    return one;
  });
  return { state, decided, rows: decided.flatMap(({ decisions }) => decisions) };
};

type Input = Pick<MadeDecision, 'policy' | 'state' | 'observation' | 'nowMs'>;

/** Rows as the record gives them back, after the wire. */
export const historyOf = (
  rows: readonly DraftDecision[],
  windows: ReadonlyMap<string, MadeDecision['window']> = new Map(),
): MadeDecision[] =>
  (JSON.parse(JSON.stringify(rows)) as DraftDecision[])
    .filter(({ kind }) => kind === 'retrain')
    .map(({ subject, input, output }, at) => ({
      key: `churn/${at}`,
      at: new Date((input as Input).nowMs).toISOString(),
      subject,
      ...(input as Input),
      decision: (output as { decision: MadeDecision['decision'] }).decision,
      window: windows.get(subject) ?? null,
    }));
