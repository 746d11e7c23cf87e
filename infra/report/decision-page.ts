/** One decision as a page: the sentence, the inequalities, and what the rule saw. Pure. */
import type { RecordedDecision } from '../postgres/decisions.ts';
import { type Html, html } from './html.ts';
import { pageOf } from './page.ts';
import { inequalitiesTable } from './sections/inequalities.ts';
import { minute } from './words.ts';

/** As it is stored: enough to make the decision again. */
const stored = (heading: string, value: unknown): Html =>
  html`<details><summary>${heading}</summary><pre class="card">${JSON.stringify(value, null, 2)}</pre></details>`;

export const renderDecision = (decision: RecordedDecision): string => {
  const { id, recordedAt, record } = decision;
  const title = `decision/${id} of ${record.pipeline}`;
  return pageOf(
    title,
    html`<header><h1>${title}</h1><p class="quiet">${record.kind} of ${record.subject}, ${minute(record.at)}; recorded ${minute(recordedAt)}. Times are UTC.</p></header>
<h2>${record.action}</h2><p>${record.reason}</p>${inequalitiesTable(record.inequalities, record.reason)}${stored('What it was made from', record.input)}${stored('What the rule gave', record.output)}`,
  );
};
