/** One run as a page: how it ended and why, what its gate compared, its stages. Pure. */
import type { RunRecord, RunStageRecord } from '../postgres/runs.ts';
import { type Html, html } from './html.ts';
import { metricsInOrder } from './metrics-in-order.ts';
import { pageOf } from './page.ts';
import { inequalitiesTable } from './sections/inequalities.ts';
import { tableOf } from './sections/parts.ts';
import { minute, number } from './words.ts';

export type RunStory = { readonly run: RunRecord; readonly stages: readonly RunStageRecord[]; readonly workflow: string | null };

const stageColumns = [{ name: 'stage' }, { name: 'state' }, { name: 'since' }, { name: 'what', kind: 'reason' }] as const;
const metricColumns = [{ name: 'metric' }, { name: 'on its hold-out', kind: 'n' }] as const;

const stagesOf = ({ stages }: RunStory): Html =>
  html`<h3>Stages</h3>${tableOf(
    'Stages',
    stageColumns,
    stages.map(({ stage, state, startedAt, summary }) => [stage, state, minute(startedAt), summary]),
  )}`;

/** What the gate said, where another had the last word. */
const gateOf = ({ run: { result } }: RunStory): Html | null => {
  const gate = result?.gate ?? null;
  if (result === null || gate === null) return null;
  const told = result.reason.includes(gate.reason) ? null : html`<p>${gate.reason}</p>`;
  return html`<h3>Gate: ${gate.outcome}</h3>${told}${inequalitiesTable(gate.inequalities, gate.reason)}`;
};

const metricsOf = ({ run: { result } }: RunStory): Html | null => {
  const metrics = metricsInOrder(result?.metrics ?? {});
  if (metrics.length === 0) return null;
  const rows = metrics.map(([name, value]) => [name, number(value)]);
  return html`<h3>Candidate</h3>${tableOf('Metrics', metricColumns, rows)}`;
};

const links = ({ run, workflow }: RunStory): Html =>
  html`<p><a href="/pipelines/${run.pipeline}">${run.pipeline}</a> · <a href="/api/runs/${run.runKey}">all of it as JSON</a>${
    workflow === null ? null : html` · <a href="${workflow}">Temporal</a>`
  }</p><p class="quiet">In a terminal: perennial explain ${run.runKey}; with --all the evidence too.</p>`;

export const renderRun = (story: RunStory): string => {
  const { run } = story;
  const title = `run ${run.runKey} of ${run.pipeline}`;
  const version = run.result?.modelVersion == null ? '' : `, version ${run.result.modelVersion}`;
  return pageOf(
    title,
    html`<header><h1>${title}</h1><p class="quiet">Started ${minute(run.startedAt)} by ${run.trigger.by} (${run.trigger.kind}): ${run.trigger.reason}. Times are UTC.</p></header>
<h2>${run.outcome ?? 'running'}${version}</h2><p>${run.result?.reason ?? story.stages.at(-1)?.summary ?? ''}</p>${links(story)}${gateOf(story)}${metricsOf(story)}${stagesOf(story)}`,
  );
};
