/**
 * Where a run stands, told in four places at once: the query `status`, the current details in the Temporal UI,
 * the search attributes, and the table of stages in PostgreSQL.
 */
import { defineSearchAttributeKey } from '@temporalio/common';
import { log, setCurrentDetails, upsertSearchAttributes } from '@temporalio/workflow';
import type { RetrainPlan, StageName } from '#domain/contracts/retrain.ts';
import { stageNames } from '#domain/stages.ts';
import { messageOf } from './failures.ts';
import type { RetrainStatus, StageView } from './messages.ts';
import { searchAttributes } from './names.ts';
import { quickSteps } from './step-options.ts';

const stageAttribute = defineSearchAttributeKey(searchAttributes.stage, 'KEYWORD');
const snapshotAttribute = defineSearchAttributeKey(searchAttributes.snapshot, 'KEYWORD');
const verdictAttribute = defineSearchAttributeKey(searchAttributes.verdict, 'KEYWORD');

const signs = { waiting: '⏳ waits', started: '▶ runs', done: '✓ done', skipped: '– skipped', failed: '✗ stopped' } as const;

export type StageBoard = {
  status(): RetrainStatus;
  /** From here on stages are recorded in PostgreSQL too. */
  admitted(plan: RetrainPlan): void;
  /** Does the work of a stage; `note` puts its result in a few words. */
  take<T>(stage: StageName, work: () => Promise<T>, note: (result: T) => string): Promise<T>;
  /** A stage that waits for something outside; `null` when it no longer does. */
  waitFor(stage: StageName, what: string | null): void;
  /** What a stage that is under way says of itself; shown, not recorded. */
  tell(stage: StageName, note: string): void;
  /** Marks what did not come to pass, and shows the verdict. */
  conclude(verdict: string, reason: string): void;
  snapshot(sha256: string): void;
  /** Resolves when everything said so far is recorded. */
  settled(): Promise<void>;
};

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ').slice(0, 300);

const renderTable = (views: readonly StageView[]): string =>
  [
    '| stage | | |',
    '|---|---|---|',
    ...views.map(({ stage, state, note }) => `| ${stage} | ${signs[state]} | ${cell(note)} |`),
  ].join('\n');

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;

export const createStageBoard = (): StageBoard => {
  const views = new Map<StageName, StageView>();
  let plan: RetrainPlan | null = null;
  let waitingFor: string | null = null;
  let headline = '';
  let recorded: Promise<void> = Promise.resolve();

  const show = (): void => {
    const banner = waitingFor === null ? '' : `**${waitingFor}**\n\n`;
    setCurrentDetails(`${headline}${banner}${renderTable([...views.values()])}`);
  };
  const put = (stage: StageName, state: StageView['state'], note: string): void => {
    views.set(stage, { stage, state, note });
    show();
  };
  /** Records one after the other beside the work; a record that fails is no reason to stop a run. */
  const record = (stage: StageName, state: 'started' | 'done' | 'waiting', summary: string): void => {
    if (plan === null) return;
    const { pipeline, runKey, definitionSha256 } = plan;
    const input = { pipeline, runKey, definitionSha256, stage, state, summary };
    recorded = recorded
      .then(() => quickSteps.recordStage.executeWithOptions({ summary: `${stage}: ${state}` }, [input]))
      .catch((error: Error) => log.warn('stage not recorded', { stage, state, reason: error.message }));
  };
  const begin = (stage: StageName): void => {
    put(stage, 'started', '');
    upsertSearchAttributes([{ key: stageAttribute, value: stage }]);
    record(stage, 'started', '');
  };

  return {
    status: () => ({ stages: [...views.values()], waitingFor }),
    admitted: (admittedPlan) => {
      plan = admittedPlan;
      const { trigger, pipeline, codeVersion } = plan;
      headline = `Retrain **${pipeline}**, started by ${trigger.by} (${trigger.kind}): ${cell(trigger.reason)}. Code \`${codeVersion.slice(0, 19)}\`\n\n`;
    },
    take: async (stage, work, note) => {
      begin(stage);
      const startedAt = Date.now();
      try {
        const result = await work();
        const said = note(result);
        put(stage, 'done', `${said} (${seconds(Date.now() - startedAt)})`);
        record(stage, 'done', said);
        return result;
      } catch (error) {
        put(stage, 'failed', messageOf(error));
        throw error;
      }
    },
    waitFor: (stage, what) => {
      if (what === waitingFor) return;
      waitingFor = what;
      put(stage, what === null ? 'started' : 'waiting', what ?? '');
      record(stage, what === null ? 'started' : 'waiting', what ?? '');
    },
    tell: (stage, note) => {
      if (views.get(stage)?.state === 'started') put(stage, 'started', note);
    },
    conclude: (verdict, reason) => {
      waitingFor = null;
      headline += `**${verdict}**: ${cell(reason)}\n\n`;
      for (const stage of stageNames) if (!views.has(stage)) views.set(stage, { stage, state: 'skipped', note: '' });
      upsertSearchAttributes([{ key: verdictAttribute, value: verdict }]);
      show();
    },
    snapshot: (sha256) => upsertSearchAttributes([{ key: snapshotAttribute, value: sha256 }]),
    settled: () => recorded,
  };
};
