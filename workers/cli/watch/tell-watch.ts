/** What a watch knows, and its newest decisions, for people. Pure. */
import { isPause } from '#domain/decide/watch/rest.ts';
import type { WatchDecisionView, WatchStatus } from '../../../workflows/messages.ts';
import { table } from '../output.ts';

const restOf = ({ pipeline, snoozedUntil }: WatchStatus, nowMs: number): Record<string, string | null> =>
  snoozedUntil !== null && isPause(Date.parse(snoozedUntil), nowMs)
    ? { paused: `until \`perennial resume ${pipeline} --reason …\`` }
    : { 'snoozed until': snoozedUntil };

const rowsOf = (status: WatchStatus, nowMs: number): string[][] =>
  Object.entries({
    phase: status.phase,
    ...restOf(status, nowMs),
    champion: status.championVersion === null ? 'none' : `version ${status.championVersion}`,
    'data time': status.dataTime,
    'windows judged': String(status.windowsJudged),
    drift: status.drift,
    performance: status.performance,
    'open breaches': String(status.openBreaches),
    run: status.run?.workflowId ?? null,
    'alerts seen': String(status.alertsSeen),
    'next look': status.nextLookAt,
    problem: status.problem,
  }).flatMap(([name, value]) => (value === null ? [] : [[name, value]]));

const minute = (at: string): string => at.slice(0, 16).replace('T', ' ');

/** One look decides many things of the same instant: it stands once. */
const decisionRows = (decisions: readonly WatchDecisionView[]): string[][] =>
  decisions.map(({ at, decision, reason: kind, sentence }, place) => {
    const before = decisions[place - 1];
    return [before !== undefined && minute(before.at) === minute(at) ? '' : minute(at), kind, decision, sentence];
  });

export const tellWatch = (status: WatchStatus, decisions: readonly WatchDecisionView[], nowMs: number): string => {
  const known = table([[status.pipeline, ''], ...rowsOf(status, nowMs)]);
  if (decisions.length === 0) return known;
  return `${known}\n\n${table([['data time', 'about', 'decided', 'because'], ...decisionRows(decisions)])}`;
};
