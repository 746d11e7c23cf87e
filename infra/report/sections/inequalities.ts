import type { Inequality } from '#domain/contracts/verdict.ts';
import { isToldIn } from '#domain/decide/judgement.ts';
import { type Html, html } from '../html.ts';
import { number } from '../words.ts';
import { tableOf } from './parts.ts';

const columns = [
  { name: 'compared', kind: 'reason' },
  { name: 'left', kind: 'n' },
  { name: '' },
  { name: 'right', kind: 'n' },
  { name: '' },
  { name: '' },
] as const;

/** What was compared, those that decided first. That one holds is good or bad by what was asked, so no mark says so. */
export const inequalitiesTable = (inequalities: readonly Inequality[], reason: string): Html | null => {
  if (inequalities.length === 0) return null;
  const isDeciding = (one: Inequality): boolean => isToldIn(reason, one);
  const rows = [...inequalities]
    .sort((a, b) => Number(isDeciding(b)) - Number(isDeciding(a)))
    .map((one) => [
      one.what,
      number(one.left),
      one.operator,
      number(one.right),
      one.holds ? 'holds' : 'does not hold',
      isDeciding(one) ? 'decided' : '',
    ]);
  return html`<h3>Compared</h3>${tableOf('Inequalities', columns, rows)}`;
};
