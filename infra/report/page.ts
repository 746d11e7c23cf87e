/** The report as one file: no script, no request to anywhere, everything escaped. Pure: the same data, the same bytes. */
import { createHash } from 'node:crypto';
import type { PipelineReport, ReportData } from './data.ts';
import { nameOfShown, storyOf } from './findings.ts';
import { Html, html } from './html.ts';
import { overTimeCards } from './sections/over-time.ts';
import { rolloutCards } from './sections/rollouts.ts';
import { distributionCards, variablesTable } from './sections/variables.ts';
import { style } from './style.ts';
import { many, minute, spanOf } from './words.ts';

/** Nothing but this one style may be loaded or run, whatever the name of a feature says. */
export const reportPolicy = [
  "default-src 'none'",
  `style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'`,
  "base-uri 'none'",
  "form-action 'none'",
].join('; ');

const plots = (heading: string, cards: readonly Html[], remark: Html | null = null): Html | null =>
  cards.length === 0 ? null : html`<h3>${heading}</h3>${remark}<div class="plots">${cards}</div>`;

const comparators = {
  'same slot': 'rows that the model was trained on, of the same slot of the season',
  'whole reference': 'all rows that the model was trained on',
  'last window': 'the window before',
} as const;
const legend = ({ window }: PipelineReport): Html =>
  html`<p class="quiet"><span class="key is-now"></span>now <span class="key is-before"></span>reference: ${window === null ? 'before' : comparators[window.comparator]}</p>`;

const notDrawn = ({ notDrawn: count }: PipelineReport): Html | null =>
  count === 0
    ? null
    : html`<p class="quiet">${many(count, 'more distribution')} moved and ${count === 1 ? 'is' : 'are'} not drawn, to keep this file small: the table above has ${count === 1 ? 'it' : 'them'}.</p>`;

const breaches = ({ window }: PipelineReport): Html | null =>
  window === null || window.breaches.length === 0
    ? null
    : html`<h3>Broken data</h3><ul class="story">${window.breaches.map(
        ({ variable, check, statement }) => html`<li>${variable ?? 'window'}, ${check}: ${statement}</li>`,
      )}</ul>`;

const variables = (report: PipelineReport): Html | null =>
  report.variables.length === 0
    ? null
    : html`<h3>Variables of the ${nameOfShown(report).toLowerCase()}, ${spanOf(report.window?.from ?? '', report.window?.to ?? '')}</h3>${variablesTable(report)}`;

const section = (report: PipelineReport, place: number): Html => {
  const id = `p${place}`;
  return html`<section><h2 id="${id}">${report.pipeline}</h2><ul class="story">${storyOf(report).map(
    (sentence) => html`<li>${sentence}</li>`,
  )}</ul>${breaches(report)}${plots('Over time', overTimeCards(id, report))}${plots('Rollouts', rolloutCards(id, report))}${variables(report)}${notDrawn(report)}${plots('Distributions', distributionCards(id, report), legend(report))}</section>`;
};

/** The frame of every page: one style, nothing else allowed. */
export const pageOf = (title: string, body: Html): string =>
  html`<!doctype html><html lang="en"><head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="${reportPolicy}"><meta name="viewport" content="width=device-width, initial-scale=1"><meta name="referrer" content="no-referrer"><title>${title}</title><style>${new Html(style)}</style></head><body><main>${body}</main></body></html>
`.text;

export const renderReport = ({ title, madeAt, pipelines }: ReportData): string =>
  pageOf(
    title,
    html`<header><h1>${title}</h1><p class="quiet">Made ${minute(madeAt)}. Times are UTC; those of windows are event times.</p></header>${pipelines.map(section)}`,
  );
