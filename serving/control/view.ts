import type { Deployment, ModelVersion, ServerReport } from '#domain/contracts/model-version.ts';
import type { DecisionRecord } from '../../infra/postgres/evaluations.ts';
import type { RunRecord } from '../../infra/postgres/runs.ts';
import type { Standing } from '../../infra/postgres/standings.ts';
import { metricsInOrder } from '../../infra/report/metrics-in-order.ts';
import { many, number } from '../../infra/report/words.ts';
import type { Links } from './deps.ts';
import { type Html, html } from './html.ts';

export type PipelineView = {
  readonly name: string;
  readonly champion: ModelVersion | null;
  readonly deployment: Deployment | null;
  readonly servers: readonly ServerReport[];
  readonly standing: Standing | null;
  /** The metric that the pipeline's gate compares; null where its file leaves it to the task. */
  readonly gateMetric: string | null;
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
  'no alarm': 'good',
  'no breach': 'good',
  alarm: 'bad',
  breach: 'bad',
};
const badge = (word: string): Html => html`<span class="badge ${tones[word] ?? 'wait'}">${word}</span>`;

/** "2026-01-31T12:00:00.000Z" as a person reads it; the page says once that times are UTC. */
const instant = (text: string): Html => html`<time datetime="${text}">${text.slice(0, 16).replace('T', ' ')}</time>`;
const digest = (sha256: string): Html => html`<span class="mono" title="${sha256}">${sha256.slice(0, 12)}</span>`;

const row = (name: string, value: Html): Html => html`<dt>${name}</dt><dd>${value}</dd>`;

/** Metrics of a card: the one that decides, and those that a person compares with it. */
const metricsShown = 4;

const championRows = (
  { version, modelSha256, createdAt, metrics }: ModelVersion,
  { gateMetric }: PipelineView,
): readonly Html[] => [
  row('Champion', html`version ${version}, made ${instant(createdAt)}`),
  row('Model', digest(modelSha256)),
  ...metricsInOrder(metrics, gateMetric)
    .slice(0, metricsShown)
    .map(([name, value]) =>
      row(name, html`${number(value)}${name === gateMetric ? html` <span class="quiet">decides</span>` : null}`),
    ),
];

/** What the watch last said of drift and of performance. */
const verdictRows = ({ decisions }: Standing): Html[] =>
  (['drift', 'performance'] as const).flatMap((kind) => {
    const newest = decisions.find((one) => one.kind === kind);
    if (newest === undefined) return [];
    const link = html`<a href="/decisions/${newest.id}">${newest.subject.slice(0, 10)}</a>`;
    return [row(kind === 'drift' ? 'Drift' : 'Performance', html`${badge(newest.action)} ${link}`)];
  });

const quarantineRows = ({ quarantine }: Standing): Html[] => {
  if (quarantine === null) return [];
  const { open, kept, newestTo } = quarantine;
  const told = html`<span class="badge ${open > 0 ? 'bad' : 'wait'}">${many(kept, 'window')}</span>`;
  const since = open > 0 ? `the newest ${open} in a row: data are broken now` : `none after ${newestTo.slice(0, 10)}`;
  return [row('Quarantine', html`${told} <span class="quiet">${since}</span>`)];
};

const standingRows = (standing: Standing): Html[] => [
  ...(standing.deleted ? [row('Deleted', html`<span class="quiet">nobody watches or trains it</span>`)] : []),
  ...(standing.paused === null
    ? []
    : [row('Paused', html`${badge('paused')} <span class="quiet">${standing.paused.reason}</span>`)]),
  ...(standing.rollout === null
    ? []
    : [
        row(
          'Rollout',
          html`${badge('running')} version ${standing.rollout.version} beside ${standing.rollout.championVersion ?? 'none'}`,
        ),
      ]),
  ...verdictRows(standing),
  ...quarantineRows(standing),
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
    ${view.champion === null ? [row('Champion', html`<span class="quiet">none yet</span>`)] : championRows(view.champion, view)}
    ${view.deployment === null ? null : row('Generation', html`${view.deployment.generation}`)}
    ${serverRows(view)}
    ${view.standing === null ? null : standingRows(view.standing)}
  </dl>
  <nav>
    <a href="/pipelines/${view.name}">Drift and decisions</a>
    ${view.champion === null ? null : html`<a href="/api/models/${view.name}">Versions (JSON)</a>`}
    <a href="/api/snapshots/${view.name}">Snapshots (JSON)</a>
    <a href="/api/runs?pipeline=${view.name}">Runs (JSON)</a>
    ${predict === null || view.champion === null ? null : html`<a href="${predict}/v2/models/${view.name}">Server</a>`}
  </nav>
</article>`;

const runRow = (run: RunView, { workflow }: Links): Html => html`<tr>
  <td class="nowrap"><a class="mono" href="/runs/${run.runKey}">${run.runKey}</a></td>
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
  <td class="nowrap"><a class="mono" href="/runs/${decision.runKey}">${decision.runKey}</a></td>
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
