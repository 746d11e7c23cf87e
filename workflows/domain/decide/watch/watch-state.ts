import type { ProfileCursor, WatchCursor, WatchedModel, WatchMeasurement, WatchPlan, WatchState } from '../../contracts/watch.ts';
import { dayMs, hourMs, type PipelineName } from '../../units.ts';
import { startDriftMemory } from '../drift/next-drift-state.ts';
import { defaultDriftPolicy } from '../drift/policy.ts';

/** Of each: PostgreSQL has all of them, the watch the newest. */
const viewsKept = 20;
const alertsKept = 200;
const sourcesKept = 8;

/** Rules by which nothing is a reason: what a watch goes by until it has read its own. */
const closedPlan = (pipeline: PipelineName): WatchPlan => ({
  pipeline,
  definitionSha256: '0'.repeat(64) as WatchPlan['definitionSha256'],
  everyMs: hourMs,
  silentAfterMs: dayMs,
  drift: defaultDriftPolicy,
  retrain: {
    format: 1,
    on: [],
    triggers: { performance: closed, estimate: closed, drift: closed, calibration: closed },
    weighsGain: false,
    maxAgeMs: dayMs,
    cooldownMs: dayMs,
    budget: { runs: 1, perMs: dayMs },
    newLabels: { share: 1, rareRows: 1 },
    backOff: { after: 1, firstMs: dayMs, longestMs: dayMs },
    scheduleMs: dayMs,
  },
});
const closed = { high: 1, low: 1, consecutive: 1 };

const noCursor: WatchCursor = {
  profileSha256: null,
  judgedUntil: null,
  maturedUntil: null,
  estimatedUntil: null,
  runsAfter: { endedAt: '1970-01-01T00:00:00.000Z', runKey: '0000000000000000' },
} as WatchCursor;

/** A watch that has seen nothing, and has not read its rules: messages may come before it has. */
export const beginWatch = (pipeline: PipelineName, nowMs: number): WatchState => ({
  format: 1,
  plan: closedPlan(pipeline),
  retrain: null,
  drift: null,
  cursor: noCursor,
  facts: null,
  openBreaches: false,
  run: null,
  snoozed: null,
  alerts: [],
  recentAlerts: [],
  performance: null,
  lastDecision: null,
  decisions: [],
  reports: [],
  lookedAtMs: null,
  wanted: true,
  advancedAtMs: nowMs,
  silent: false,
  problem: null,
  counters: { decisions: 0, windows: 0, alerts: 0, notices: 0, runs: 0 },
});

/** Why a state cannot be gone on with; null where it can. The state comes from a run that may have been of other code. */
export const refuseState = (state: unknown): string | null => {
  if (typeof state !== 'object' || state === null)
    return `the state must be an object: it is ${state === null ? 'null' : typeof state}`;
  const { format, plan, cursor, counters } = state as Partial<WatchState>;
  if (format !== 1) return `the state must have format 1: it has ${String(format)}`;
  const missing = Object.entries({ plan, cursor, counters }).find(([, part]) => typeof part !== 'object' || part === null);
  return missing === undefined ? null : `the state must have "${missing[0]}"`;
};

/** Puts a view before those that are kept. */
export const pushView = <View>(views: readonly View[], view: View): View[] => [view, ...views].slice(0, viewsKept);

export type HeardAlert = {
  readonly id: string;
  readonly source: string;
  readonly text: string;
  readonly asksForRetrain: boolean;
};

/** What is no text has none: a signal brings whatever was sent, and must not throw. */
const asText = (value: unknown): string => (typeof value === 'string' || typeof value === 'number' ? String(value) : '');
const shortText = (text: unknown, most: number): string => asText(text).slice(0, most);

/** Two hundred of them must stay small; what tells deliveries apart stands at either end. */
const shortId = (id: unknown): string => {
  const text = asText(id);
  return text.length <= 60 ? text : `${text.slice(0, 20)}${text.slice(-40)}`;
};

/**
 * The state after an alert: the same id again changes nothing. What asks for a retrain waits for the next look, counted by
 * source, so that a thousand alerts are one question. Takes what an unparsed signal brings, and does not throw.
 */
export const hearAlert = (state: WatchState, alert: Partial<HeardAlert> | null | undefined): WatchState => {
  const id = shortId(alert?.id);
  if (alert == null || state.recentAlerts.includes(id)) return state;
  const counters = { ...state.counters, alerts: state.counters.alerts + 1 };
  const recentAlerts = [...state.recentAlerts, id].slice(-alertsKept);
  const heard = { ...state, counters, recentAlerts };
  if (alert.asksForRetrain !== true) return heard;
  return { ...heard, alerts: countAlert(state.alerts, shortText(alert.source, 100), shortText(alert.text, 120)) };
};

const countAlert = (alerts: WatchState['alerts'], source: string, text: string): WatchState['alerts'] => {
  const known = alerts.some((one) => one.source === source) || alerts.length >= sourcesKept;
  if (!known) return [...alerts, { source, text, count: 1 }];
  const at = Math.max(
    0,
    alerts.findIndex((one) => one.source === source),
  );
  return alerts.map((one, place) => (place === at ? { ...one, count: one.count + 1 } : one));
};

/** "alertmanager (3 alerts, the first: ErrorsHigh)". */
export const nameAlerts = (alerts: WatchState['alerts']): string =>
  alerts
    .map(({ source, text, count }) => `${source} (${count === 1 ? 'an alert' : `${count} alerts, the first`}: ${text})`)
    .join(', ');

/** A new profile is a new model: what was remembered of windows of the old one says nothing about it. */
export const followModel = (state: WatchState, model: WatchedModel | null): WatchState => {
  if (model?.profileSha256 == null) return { ...state, drift: null };
  if (state.drift?.profileSha256 === model.profileSha256) return state;
  const { features, predictions, profileSha256 } = model;
  return {
    ...state,
    drift: startDriftMemory({ sha256: profileSha256, features, predictions }),
    performance: null,
    openBreaches: false,
  };
};

type Clock = NonNullable<WatchState['clock']>;

/** When what decisions go by was first known: an instant of the data that stays the same goes on from there by the wall. */
export const followClock = (before: Clock | undefined, ms: number, wallMs: number): Clock =>
  before?.ms === ms ? before : { ms, wallMs };

/** While nobody serves decisions go by the wall; the first champion has a time of its own, and a beginning. */
export const followServing = (state: WatchState, model: WatchedModel | null): WatchState['retrain'] =>
  state.facts?.model === null && model !== null ? null : state.retrain;

type Failing = NonNullable<WatchState['failing']>;

/** So many looks that fail in a row are no bad luck. */
const failingLooks = 3;

/** Counts looks that fail. A person is told at the third, or at once where no repetition helps, and not again. */
export const hearFailure = (before: WatchState['failing'], isFinal: boolean): { failing: Failing; tells: boolean } => {
  const { looks, told } = before ?? { looks: 0, told: false };
  const tells = !told && (isFinal || looks + 1 >= failingLooks);
  return { failing: { looks: looks + 1, told: told || tells }, tells };
};

const newest = (instants: readonly (string | null | undefined)[]): string | null =>
  instants.reduce<string | null>((last, one) => (one != null && (last === null || one > last) ? one : last), null);

type Judged = Pick<ProfileCursor, 'judgedUntil' | 'maturedUntil' | 'estimatedUntil'>;
const notJudged: Judged = { judgedUntil: null, maturedUntil: null, estimatedUntil: null };

/** As many champions back as somebody rolls back to. */
const pastKept = 4;

/** How far the windows of a profile were judged, also where another one served since. */
export const judgedOf = (cursor: WatchCursor, profileSha256: string | null): Judged =>
  [cursor, ...(cursor.past ?? [])].find((one) => one.profileSha256 === profileSha256) ?? notJudged;

const pastOf = (before: WatchCursor, profileSha256: string | null): ProfileCursor[] => {
  const { runsAfter: _runs, past = [], ...current } = before;
  const all = before.profileSha256 === profileSha256 ? past : [current, ...past];
  return all.filter((one) => one.profileSha256 !== profileSha256 && one.profileSha256 !== null).slice(0, pastKept);
};

/** How far the watch has come after a look: what was told is not told again. */
export const advanceCursor = (before: WatchCursor, found: WatchMeasurement): WatchCursor => {
  const profileSha256 = found.model?.profileSha256 ?? null;
  const kept = judgedOf(before, profileSha256);
  const last = found.ended.reduce((late, { endedAt, runKey }) => {
    const isLater = endedAt > late.endedAt || (endedAt === late.endedAt && runKey > late.runKey);
    return isLater ? { endedAt, runKey } : late;
  }, before.runsAfter);
  return {
    profileSha256,
    judgedUntil: newest([kept.judgedUntil, ...found.windows.map(({ observation }) => observation.to)]),
    maturedUntil: newest([kept.maturedUntil, ...(found.performance?.windows ?? []).map(({ to }) => to)]),
    estimatedUntil: newest([kept.estimatedUntil, found.performance?.estimate?.to]),
    past: pastOf(before, profileSha256),
    runsAfter: last,
  } as WatchCursor;
};
