/** Tables and cards: what every section is made of. */
import { type Html, html } from '../html.ts';

/** A column of numbers is set to the right. */
export type Column = { readonly name: string; readonly kind?: 'n' | 'name' | 'reason' };

const cell = (value: Html | string, { kind }: Column): Html => html`<td class="${kind ?? ''}">${value}</td>`;

export const tableOf = (caption: string, columns: readonly Column[], rows: readonly (readonly (Html | string)[])[]): Html =>
  html`<div class="table" tabindex="0" role="region" aria-label="${caption}"><table><thead><tr>${columns.map(
    (column) => html`<th scope="col" class="${column.kind ?? ''}">${column.name}</th>`,
  )}</tr></thead><tbody>${rows.map(
    (row) => html`<tr>${row.map((value, place) => cell(value, columns[place] as Column))}</tr>`,
  )}</tbody></table></div>`;

/** A plot under its finding, and the same numbers as a table under the plot. */
export const card = (finding: string, plot: Html, remark: Html | string, table: Html): Html =>
  html`<section class="card"><h4>${finding}</h4>${plot}<p>${remark}</p><details><summary>The numbers</summary>${table}</details></section>`;

const tones: Readonly<Record<string, 'good' | 'bad' | 'wait'>> = {
  pass: 'good',
  ok: 'good',
  promoted: 'good',
  fail: 'bad',
  error: 'bad',
  drift: 'bad',
  quarantined: 'bad',
  'rolled back': 'bad',
};
export const badge = (word: string): Html => html`<span class="badge ${tones[word] ?? 'wait'}">${word}</span>`;
