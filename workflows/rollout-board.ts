/** Where a rollout stands, told in the Temporal UI, in search attributes, and to the run that started it. */
import { defineSearchAttributeKey } from '@temporalio/common';
import { getExternalWorkflowHandle, log, setCurrentDetails, upsertSearchAttributes, workflowInfo } from '@temporalio/workflow';
import { rolloutMovedSignal } from './messages.ts';
import { searchAttributes } from './names.ts';
import { type Live, shareOf } from './rollout-live.ts';

const pipelineAttribute = defineSearchAttributeKey(searchAttributes.pipeline, 'KEYWORD');
const stageAttribute = defineSearchAttributeKey(searchAttributes.stage, 'KEYWORD');
const verdictAttribute = defineSearchAttributeKey(searchAttributes.verdict, 'KEYWORD');

const percent = (share: number): string => `${Number((share * 100).toFixed(2))}%`;

const rowOf = (live: Live, share: number, place: number): string => {
  const { state } = live;
  const closed = place < state.step || state.phase === 'promoted';
  const current = place === state.step && state.phase === 'running';
  const sign = closed ? '✓ done' : current ? (state.hold === null ? '▶ runs' : `⏸ held by ${state.hold.by}`) : '';
  const arms = current ? state.current : state.closed[place];
  const counts =
    arms === undefined ? '' : `${arms.candidate.requests} of ${arms.candidate.requests + arms.champion.requests} requests`;
  return `| ${percent(share)} | ${sign} | ${counts} |`;
};

/** Markdown: what is rolled out, its steps, and the newest decision. */
export const renderRollout = (live: Live): string => {
  const { strategy, policy, request } = live.plan;
  const shares = strategy === 'shadow' ? [live.plan.firstShare] : policy.steps;
  return [
    `Version **${request.version}** of **${request.pipeline}** beside version ${request.championVersion} (${strategy})`,
    '',
    '| share | | |',
    '|---|---|---|',
    ...shares.map((share, place) => rowOf(live, share, place)),
    '',
    `**${live.state.phase}**, ${live.looks} looks: ${live.reason}`,
  ].join('\n');
};

const stageOf = ({ state }: Live): string =>
  state.phase !== 'running' ? state.phase : state.hold === null ? 'rolling out' : 'held';

/** The run that started this may be gone; that is no reason to stop. */
const tellRun = async (text: string): Promise<void> => {
  const { parent } = workflowInfo();
  if (parent === undefined) return;
  try {
    await getExternalWorkflowHandle(parent.workflowId, parent.runId).signal(rolloutMovedSignal, { text });
  } catch (error) {
    log.warn('run not told', { reason: (error as Error).message });
  }
};

/** Shows the newest state; tells the run and the search attributes only what changed since. */
export const createRolloutBoard = () => {
  let told = '';
  return {
    show: async (live: Live): Promise<void> => {
      setCurrentDetails(renderRollout(live).slice(0, 15_000));
      const share = percent(shareOf(live));
      const stage = stageOf(live);
      const now = `${stage} ${share}`;
      if (now === told) return;
      told = now;
      upsertSearchAttributes([
        { key: pipelineAttribute, value: live.plan.request.pipeline },
        { key: stageAttribute, value: stage },
        ...(live.state.phase === 'running' ? [] : [{ key: verdictAttribute, value: live.state.phase }]),
      ]);
      await tellRun(`version ${live.plan.request.version} ${stage}, ${share} of the traffic: ${live.reason}`);
    },
  };
};
export type RolloutBoard = ReturnType<typeof createRolloutBoard>;
