/** Where a watch stands, told in the query `status`, in the current details of the Temporal UI and in its search attributes. */
import { defineSearchAttributeKey } from '@temporalio/common';
import { setCurrentDetails, upsertSearchAttributes } from '@temporalio/workflow';
import type { WatchStatus } from './messages.ts';
import { searchAttributes } from './names.ts';
import type { Watch } from './watch-desk.ts';

const stageAttribute = defineSearchAttributeKey(searchAttributes.stage, 'KEYWORD');

const phaseOf = ({ state, ending }: Watch): WatchStatus['phase'] => {
  if (ending !== null) return 'ending';
  if (state.snoozed !== null) return 'snoozed';
  return state.facts !== null && state.facts.model === null ? 'no champion' : 'watching';
};

const instantOf = (ms: number): string => new Date(ms).toISOString();

/** The state as people and servers are shown it. */
export const statusOf = (watch: Watch): WatchStatus => {
  const { state } = watch;
  const drift = state.reports.find(({ kind }) => kind === 'drift');
  return {
    pipeline: watch.pipeline,
    phase: phaseOf(watch),
    snoozedUntil: state.snoozed === null ? null : instantOf(state.snoozed.untilMs),
    dataTime: state.facts?.dataTime ?? null,
    championVersion: state.facts?.model?.version ?? null,
    run: state.run,
    windowsJudged: state.counters.windows,
    drift: drift === undefined ? null : `${drift.outcome}: ${drift.reason}`,
    performance: state.performance === null ? null : `${state.performance.outcome}: ${state.performance.reason}`,
    openBreaches: state.facts?.openBreaches ?? 0,
    lastDecision: state.decisions[0]?.sentence ?? null,
    alertsSeen: state.counters.alerts,
    nextLookAt: state.lookedAtMs === null ? null : instantOf(state.lookedAtMs + state.plan.everyMs),
    problem: state.problem,
  };
};

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ').slice(0, 300);

const rowsOf = (status: WatchStatus): readonly (readonly [string, string | null])[] => [
  ['phase', status.phase],
  ['champion', status.championVersion === null ? 'none' : `version ${status.championVersion}`],
  ['data time', status.dataTime],
  ['windows judged', String(status.windowsJudged)],
  ['drift', status.drift],
  ['performance', status.performance],
  ['open breaches', status.openBreaches === 0 ? null : String(status.openBreaches)],
  ['run', status.run?.workflowId ?? null],
  ['last decision', status.lastDecision],
  ['alerts seen', String(status.alertsSeen)],
  ['problem', status.problem],
  ['next look', status.nextLookAt],
];

/** Redraws the table; the search attribute is written only where the phase changed, because each write is an event. */
export const createWatchBoard = (watch: Watch): (() => void) => {
  let shown: string | null = null;
  return () => {
    const status = statusOf(watch);
    const rows = rowsOf(status).flatMap(([name, value]) => (value === null ? [] : [`| ${name} | ${cell(value)} |`]));
    setCurrentDetails([`Watch of **${watch.pipeline}**`, '', '| | |', '|---|---|', ...rows].join('\n'));
    if (status.phase === shown) return;
    shown = status.phase;
    upsertSearchAttributes([{ key: stageAttribute, value: status.phase }]);
  };
};
