import type { Deployment, ModelVersion, ServerReport } from '#domain/contracts/model-version.ts';
import type { DecisionRecord } from '../../infra/postgres/evaluations.ts';
import type { RunRecord } from '../../infra/postgres/runs.ts';
import type { Links } from './deps.ts';
import { type Html, html } from './html.ts';

export type PipelineView = {
  readonly name: string;
  readonly champion: ModelVersion | null;
  readonly deployment: Deployment | null;
  readonly servers: readonly ServerReport[];
};
/** `stage` is what a run that goes on does now. */
export type RunView = RunRecord & { readonly stage: string | null };
export type PageView = {
  readonly pipelines: readonly PipelineView[];
  readonly runs: readonly RunView[];
  readonly decisions: readonly DecisionRecord[];
  readonly links: Links;
};

/** Word to colour: what is well, what is not, what waits. */
const tones: Readonly<Record<string, string>> = {
  promoted: 'good',
  pass: 'good',
  serving: 'good',
  rejected: 'bad',
  failed: 'bad',
  fail: 'bad',
  error: 'bad',
  refused: 'bad',
};
const badge = (word: string): Html => html`<span class="badge ${tones[word] ?? 'wait'}">${word}</span>`;

/** "2026-01-31T12:00:00.000Z" as a person reads it; the page says once that times are UTC. */
const instant = (text: string): Html => html`<time datetime="${text}">${text.slice(0, 16).replace('T', ' ')}</time>`;
const digest = (sha256: string): Html => html`<span class="mono" title="${sha256}">${sha256.slice(0, 12)}</span>`;
const number = (value: number): string => (Number.isInteger(value) ? String(value) : value.toPrecision(4));

const row = (name: string, value: Html): Html => html`<dt>${name}</dt><dd>${value}</dd>`;

const championRows = ({ version, modelSha256, createdAt, metrics }: ModelVersion): readonly Html[] => [
  row('Champion', html`version ${version}, made ${instant(createdAt)}`),
  row('Model', digest(modelSha256)),
  ...Object.entries(metrics)
    .slice(0, 4)
    .map(([name, value]) => row(name, html`${number(value)}`)),
];

const serverRows = ({ servers, deployment }: PipelineView): readonly Html[] => {
  if (servers.length === 0) return [row('Servers', html`<span class="quiet">none reports</span>`)];
  return servers.map(({ serverId, state, generation, reason }) => {
    const behind = state === 'serving' && deployment !== null && generation < deployment.generation;
    const note = behind ? `generation ${generation} of ${deployment.generation}` : (reason ?? '');
    return row(serverId, html`${badge(state)} <span class="quiet">${note}</span>`);
  });
};

const card = (view: PipelineView, { predict }: Links): Html => html`<article class="card">
  <h3>${view.name}</h3>
  <dl>
    ${view.champion === null ? [row('Champion', html`<span class="quiet">none yet</span>`)] : championRows(view.champion)}
    ${view.deployment === null ? null : row('Generation', html`${view.deployment.generation}`)}
    ${serverRows(view)}
  </dl>
  <nav>
    <a href="/pipelines/${view.name}">Drift and decisions</a>
    ${view.champion === null ? null : html`<a href="/api/models/${view.name}">Versions</a>`}
    <a href="/api/snapshots/${view.name}">Snapshots</a>
    <a href="/api/runs?pipeline=${view.name}">Runs</a>
    ${predict === null || view.champion === null ? null : html`<a href="${predict}/v2/models/${view.name}">Server</a>`}
  </nav>
</article>`;

const runRow = (run: RunView, { workflow }: Links): Html => html`<tr>
  <td class="nowrap"><a class="mono" href="/api/runs/${run.runKey}">${run.runKey}</a></td>
  <td>${run.pipeline}</td>
  <td>${badge(run.outcome ?? 'running')}</td>
  <td class="reason">${run.result?.reason ?? run.stage ?? ''}</td>
  <td class="nowrap">${instant(run.startedAt)}</td>
  <td>${run.trigger.kind} <span class="quiet">${run.trigger.by}</span></td>
  <td>${workflow === null ? null : html`<a href="${workflow(run.workflowId)}">Temporal</a>`}</td>
</tr>`;

const decisionRow = (decision: DecisionRecord): Html => html`<tr>
  <td class="nowrap">${instant(decision.createdAt)}</td>
  <td>${decision.pipeline}</td>
  <td>${badge(decision.verdict)}</td>
  <td class="reason">${decision.reason}</td>
  <td class="nowrap"><a class="mono" href="/api/runs/${decision.runKey}">${decision.runKey}</a></td>
</tr>`;

const table = (heads: readonly string[], rows: readonly Html[], empty: Html): Html => {
  if (rows.length === 0) return html`<div class="table"><p class="empty">${empty}</p></div>`;
  const head = heads.map((name) => html`<th scope="col">${name}</th>`);
  return html`<div class="table"><table><thead><tr>${head}</tr></thead><tbody>${rows}</tbody></table></div>`;
};

const runHeads = ['Run', 'Pipeline', 'Outcome', 'Why', 'Started', 'Started by', ''];
const decisionHeads = ['When', 'Pipeline', 'Verdict', 'Why', 'Run'];

/** The page's body: pipelines with their champions and servers, runs, and what the gate decided. */
export const bodyOf = ({ pipelines, runs, decisions, links }: PageView): Html => html`<main>
  <header><h1>Perennial</h1><span class="quiet">Pipelines, runs and decisions. Times are UTC.</span>
    <nav><a href="/openapi.json">API</a><a href="/api/deployments">Deployments</a><a href="/metrics">Metrics</a></nav>
  </header>
  <h2>Pipelines</h2>
  ${
    pipelines.length === 0
      ? html`<div class="table"><p class="empty">None yet. <code>perennial apply FOLDER</code> brings the first.</p></div>`
      : html`<div class="cards">${pipelines.map((view) => card(view, links))}</div>`
  }
  <h2>Runs</h2>
  ${table(
    runHeads,
    runs.map((run) => runRow(run, links)),
    html`None yet. <code>perennial run FOLDER</code> starts one.`,
  )}
  <h2>Decisions</h2>
  ${table(decisionHeads, decisions.map(decisionRow), html`None yet. The gate decides about each trained candidate.`)}
</main>`;
