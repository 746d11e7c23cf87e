import { drawDistribution } from '../charts/distribution.ts';
import type { Distribution, PipelineReport, VariableRow } from '../data.ts';
import { distributionFinding, largestMoves } from '../findings.ts';
import { type Html, html } from '../html.ts';
import { many, number, share } from '../words.ts';
import { badge, card, tableOf } from './parts.ts';

const columns = [
  { name: 'variable', kind: 'name' },
  { name: 'state' },
  { name: 'PSI less noise', kind: 'n' },
  { name: 'at most', kind: 'n' },
  { name: 'adjusted p', kind: 'n' },
  { name: 'rows', kind: 'n' },
] as const;

const rowOf = (row: VariableRow): (Html | string)[] => [
  html`${row.name}${row.critical ? html` <span class="quiet">critical</span>` : null}${row.kind === 'prediction' ? html` <span class="quiet">answer</span>` : null}`,
  badge(row.state),
  number(row.debiasedPsi),
  number(row.psiUpperLimit),
  number(row.adjustedPValue),
  number(row.rows),
];

/** Every variable of the window, the most moved first. */
export const variablesTable = ({ variables, pipeline }: PipelineReport): Html =>
  tableOf(`Variables of ${pipeline}`, columns, variables.map(rowOf));

const cellColumns = [
  { name: 'cell', kind: 'name' },
  { name: 'reference', kind: 'n' },
  { name: 'now', kind: 'n' },
] as const;

const distributionCard = (id: string, one: Distribution, level: number | null): Html => {
  const finding = distributionFinding(one, level);
  const moves = largestMoves(one.cells);
  const plot = drawDistribution(id, finding, moves, one.cells, `${one.row.name}, cells of the reference; share of rows`);
  const rows = one.cells.map(({ label, reference, current }) => [label, share(reference), share(current)]);
  const remark = `${moves}. ${many(one.rows, 'row')} now, ${many(one.referenceRows, 'row')} in the reference.`;
  return card(finding, plot, remark, tableOf(`Cells of ${one.row.name}`, cellColumns, rows));
};

export const distributionCards = (id: string, { distributions, driftLevel }: PipelineReport): Html[] =>
  distributions.map((one, place) => distributionCard(`${id}-d${place}`, one, driftLevel));
