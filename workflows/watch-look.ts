/** One look of a watch: measure, decide upon each thing that was found, act, record. */
import type { DecisionRecord } from '#domain/contracts/decision.ts';
import type { RetrainAsked } from '#domain/contracts/retrain-policy.ts';
import type { WatchFacts, WatchMeasurement } from '#domain/contracts/watch.ts';
import { type Decided, decideOccasion } from '#domain/decide/watch/decide-occasion.ts';
import { type DraftDecision, decisionOfPerformance, nameSpan } from '#domain/decide/watch/judge-window.ts';
import { type Occasion, occasionsOf, subjectOf } from '#domain/decide/watch/occasions.ts';
import {
  advanceCursor,
  followClock,
  followModel,
  followServing,
  nameAlerts,
  pushView,
} from '#domain/decide/watch/watch-state.ts';
import { isFailure } from './failures.ts';
import { lookSteps } from './step-options.ts';
import type { RetrainWish, Watch } from './watch-desk.ts';
import { type Launched, launchRetrain } from './watch-launch.ts';
import { instantOf, note, record, tell, tellFailing } from './watch-notes.ts';

const measure = (watch: Watch): Promise<WatchMeasurement> => {
  const { plan, cursor, facts, run } = watch.state;
  return lookSteps.measureWatch.executeWithOptions({ summary: `look at ${watch.pipeline}` }, [
    { pipeline: watch.pipeline, definitionSha256: plan.definitionSha256, cursor, dataTime: facts?.dataTime ?? null, run },
  ]);
};

/** Until somebody serves, training ends now. */
const trainedAtOf = ({ model, trainedAt }: WatchMeasurement, nowMs: number): number =>
  model === null || trainedAt === null ? nowMs : Date.parse(trainedAt);

const clockOf = ({ clock }: Watch['state'], found: WatchMeasurement, nowMs: number) => {
  const { model, dataTime } = found;
  return followClock(clock, model === null || dataTime === null ? trainedAtOf(found, nowMs) : Date.parse(dataTime), nowMs);
};

const factsOf = (found: WatchMeasurement, nowMs: number, goneMs: number): WatchFacts => ({
  dataTime: found.dataTime,
  model: found.model,
  trainedAtMs: trainedAtOf(found, nowMs),
  goneMs,
  labels: found.performance?.labels ?? null,
  gain: found.performance?.gain ?? null,
  openBreaches: found.openBreaches,
  otherRuns: found.otherRuns.slice(0, 20),
});

/** PostgreSQL is the truth about a pause: a watch that began anew was not told of it. */
const snoozedBy = (found: WatchMeasurement, { snoozed }: Watch['state'], nowMs: number): Watch['state']['snoozed'] =>
  found.paused == null || snoozed !== null ? snoozed : { ...found.paused, untilMs: nowMs + pauseMs };
/** Until somebody resumes it. */
const pauseMs = 10 * 365 * 86_400_000;

/** Takes in what was found, before anything is decided from it. */
const takeIn = (watch: Watch, found: WatchMeasurement, nowMs: number): void => {
  const { state } = watch;
  const moved = found.dataTime !== (state.facts?.dataTime ?? null);
  const clock = clockOf(state, found, nowMs);
  watch.state = {
    ...followModel(state, found.model),
    cursor: advanceCursor(state.cursor, found),
    retrain: followServing(state, found.model),
    clock,
    facts: factsOf(found, nowMs, Math.max(0, nowMs - clock.wallMs)),
    problem: found.problem ?? null,
    snoozed: snoozedBy(found, state, nowMs),
    ...(moved && { advancedAtMs: nowMs, silent: false }),
  };
};

type Look = { readonly found: WatchMeasurement; readonly records: DecisionRecord[]; readonly facts: WatchFacts };

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

/** Labels that stay away are no verdict on the model. */
const hearBreaches = async (watch: Watch, look: Look): Promise<void> => {
  const { performance } = look.found;
  const window = performance?.windows.at(-1);
  if (performance === null || window === undefined || performance.breaches.length === 0) return;
  const reason = `Data, not performance: ${performance.breaches.map(({ statement }) => statement).join('; ')}`;
  const told = {
    inequalities: [],
    evidenceIds: [],
    input: { breaches: performance.breaches, reportSha256: window.reportSha256 },
    output: null,
  };
  note(watch, [{ kind: 'quality', subject: nameSpan(window), action: 'quarantine', reason, ...told }], look.records);
  await tell(watch, 'quarantined', `${watch.pipeline}, window ${nameSpan(window)}: ${reason}`);
};

/** What is served is not what the data say: a fault of the serving path, which no training mends. */
const hearSkew = async (watch: Watch, look: Look): Promise<void> => {
  const { skew } = look.found;
  if (skew == null) return;
  const { reason, reportSha256 } = skew;
  const told = { inequalities: [], evidenceIds: [], input: { reportSha256 }, output: null };
  note(watch, [{ kind: 'quality', subject: nameSpan(skew), action: 'skew', reason, ...told }], look.records);
  await tell(watch, 'quarantined', `${watch.pipeline}, window ${nameSpan(skew)}: ${reason}`);
};

type Acted = { readonly launched: Launched | null; readonly next: Occasion | null; readonly sentence: string };

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
  if (occasion.kind === 'matured' && watch.state.performance?.outcome === 'breach' && before.performance?.outcome !== 'breach')
    await tell(watch, 'performance', `${pipeline}, window ${subjectOf(occasion)}: ${watch.state.performance.reason}`);
  if (occasion.kind === 'ended' && occasion.run.outcome === 'failed')
    await tell(
      watch,
      'retrain failed',
      `${pipeline}: ${occasion.run.reason}`,
      occasion.run.runKey === ('' as string) ? null : `/runs/${occasion.run.runKey}`,
    );
  if (decided.retrain.page !== null) await tell(watch, 'backed off', `${pipeline}: ${decided.retrain.page}`);
};

/** Decides upon one occasion and acts; gives what was decided, for whoever asked. */
const settle = async (watch: Watch, look: Look, occasion: Occasion, why?: string): Promise<Decided & Acted> => {
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
    await tell(watch, 'retrain started', `${watch.pipeline}: ${acted.sentence}`, `/runs/${acted.launched.runKey}`);
  if (acted.next !== null) await settle(watch, look, acted.next);
  return { ...decided, ...acted };
};

/** While snoozed nobody is answered with a run, and it stands on record why. */
const declineAlerts = (watch: Watch, look: Look): void => {
  const { snoozed, alerts } = watch.state;
  if (snoozed === null) return;
  const reason = `Suppressed (asked): ${nameAlerts(alerts)}; snoozed by ${snoozed.by} until ${instantOf(snoozed.untilMs)}: ${snoozed.reason}`;
  const told = { inequalities: [], evidenceIds: [], input: { snoozed, alerts }, output: null };
  note(watch, [{ kind: 'retrain', subject: 'watch', action: 'suppressed', reason, ...told }], look.records);
};

/** All alerts that wait are one question. */
const answerAlerts = async (watch: Watch, look: Look): Promise<void> => {
  const { alerts, snoozed } = watch.state;
  if (alerts.length === 0) return;
  if (snoozed !== null) declineAlerts(watch, look);
  else {
    const by = alerts
      .map(({ source }) => source)
      .sort()
      .join(', ');
    const asked: RetrainAsked = { by, kind: 'webhook', despite: [] };
    await settle(watch, look, { kind: 'asked', asked, subject: 'watch' }, `asked for by ${nameAlerts(alerts)}`);
  }
  // Alerts that came meanwhile are not among them: they wait for the next look.
  watch.state = { ...watch.state, alerts: watch.state.alerts.flatMap((one) => lessAnswered(one, alerts)) };
};

type Alert = Watch['state']['alerts'][number];
const lessAnswered = (one: Alert, answered: readonly Alert[]): Alert[] => {
  const left = one.count - (answered.find(({ source }) => source === one.source)?.count ?? 0);
  return left > 0 ? [{ ...one, count: left }] : [];
};

const answerWish = async (watch: Watch, look: Look, wish: RetrainWish): Promise<void> => {
  const { by, reason, trigger, despite } = wish.asked;
  const asked: RetrainAsked = { by, kind: trigger === 'person' ? 'person' : 'webhook', despite: [...despite] };
  const occasion: Occasion = { kind: 'asked', asked, subject: 'watch' };
  const answered = await settle(watch, look, occasion, `asked for by ${by}: ${reason}`);
  const { launched, retrain, sentence } = answered;
  const running = launched === null || launched.kind === 'failed' ? null : launched.workflowId;
  wish.answer = {
    decision: launched?.kind === 'started' || launched === null ? retrain.decision : launched.kind,
    reason: sentence,
    workflowId: running,
  };
};

/** A person may wait for an answer on each; they are answered one by one, in the order in which they came. */
const answerWishes = async (watch: Watch, look: Look): Promise<void> => {
  for (let wish = watch.wishes[0]; wish !== undefined; wish = watch.wishes[0]) {
    await answerWish(watch, look, wish);
    watch.wishes.shift();
  }
};

const hearSilence = async (watch: Watch, nowMs: number): Promise<void> => {
  const { plan, advancedAtMs, silent, facts } = watch.state;
  if (silent || facts === null || facts.model === null || nowMs - advancedAtMs < plan.silentAfterMs) return;
  watch.state = { ...watch.state, silent: true };
  const since = instantOf(advancedAtMs);
  await tell(
    watch,
    'silent',
    `${watch.pipeline}: no new data since ${since} (data time ${facts.dataTime ?? 'unknown'}): nothing can be judged`,
  );
};

const decideAll = async (watch: Watch, look: Look, occasions: readonly Occasion[], nowMs: number): Promise<void> => {
  if (watch.state.run !== null) await answerAlerts(watch, look);
  await hearBreaches(watch, look);
  await hearSkew(watch, look);
  for (const occasion of occasions) {
    if (look.facts.model !== null || occasion.kind === 'ended') await settle(watch, look, occasion);
  }
  await answerAlerts(watch, look);
  await answerWishes(watch, look);
  await hearSilence(watch, nowMs);
  if (look.found.problem != null) await tellFailing(watch, look.found.problem, true);
};

/**
 * Looks once and decides upon all that was found, in this order: alerts about a run that is still under way, runs that
 * ended, windows by their end, alerts, and whoever waits for an answer. True where more windows wait to be looked at.
 */
export const takeLook = async (watch: Watch): Promise<boolean> => {
  const nowMs = Date.now();
  // What comes from here on asks for another look.
  watch.urgent = false;
  watch.state = { ...watch.state, lookedAtMs: nowMs, wanted: false };
  const found = await measure(watch);
  const occasions = occasionsOf(found, watch.state.cursor.estimatedUntil);
  takeIn(watch, found, nowMs);
  const look: Look = { found, records: [], facts: watch.state.facts as WatchFacts };
  try {
    await decideAll(watch, look, occasions, nowMs);
  } catch (error) {
    // What was decided before is on record, and so is a run that was started.
    if (isFailure(error)) await record(watch.pipeline, look.records);
    throw error;
  }
  await record(watch.pipeline, look.records);
  return found.more;
};
