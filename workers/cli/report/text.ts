/** A drift report for a terminal: the verdict, then a line for each variable, the most moved first. */
import type { PipelineReport, VariableRow } from '../../../infra/report/data.ts';
import { rolloutFinding, shownPerformanceFinding, wrongProbabilitiesFinding } from '../../../infra/report/findings.ts';
import { many, number, spanOf } from '../../../infra/report/words.ts';
import { paint, table } from '../output.ts';

const tones: Readonly<Record<string, 'green' | 'red' | 'yellow'>> = { ok: 'green', pass: 'green', drift: 'red', fail: 'red' };
const marks: Readonly<Record<string, string>> = { ok: '✓', pass: '✓', drift: '✗', fail: '✗' };
export const marked = (word: string): string => paint(tones[word] ?? 'yellow', `${marks[word] ?? '…'} ${word}`);

const kindOf = ({ kind, critical }: VariableRow): string => (kind === 'prediction' ? 'answer' : critical ? 'critical' : '');

const head = ['  variable', '', 'PSI', 'at most', 'adjusted p', 'rows', 'state'];
const line = (row: VariableRow): string[] => [
  `  ${row.name}`,
  kindOf(row),
  number(row.debiasedPsi),
  number(row.psiUpperLimit),
  number(row.adjustedPValue),
  number(row.rows),
  row.state,
];

/** The state comes last, so that colour, which has letters of its own, cannot shift a column. */
const coloured = (text: string): string =>
  text.replace(/(ok|drift|warn|recovering|insufficient|not judged)$/gm, (word) => marked(word));

const variables = ({ variables: rows }: PipelineReport): string[] =>
  rows.length === 0 ? [] : [coloured(table([head, ...rows.map(line)]))];

const windowLines = ({ window, pipeline }: PipelineReport): string[] =>
  window === null
    ? [`${pipeline}: no window of live traffic was measured yet; \`perennial status ${pipeline}\` says what is missing`]
    : [
        `${pipeline}, ${spanOf(window.from, window.to)}, ${many(window.rows, 'row')} against the ${window.comparator}: ${marked(window.verdict.outcome)}`,
        `  ${window.verdict.reason}`,
        // The reason tells the first three.
        ...window.breaches.slice(3).map(({ variable, statement }) => `  broken data, ${variable ?? 'the window'}: ${statement}`),
        ...window.warnings.map((warning) => `  note: ${warning}`),
      ];

const performanceLines = (report: PipelineReport): string[] =>
  [shownPerformanceFinding(report), wrongProbabilitiesFinding(report)].flatMap((told) => (told === null ? [] : [`  ${told}`]));

export const reportLines = (report: PipelineReport): string[] => [
  ...windowLines(report),
  ...variables(report),
  ...performanceLines(report),
  ...report.rollouts.slice(0, 1).map((story) => `  ${rolloutFinding(story)}`),
];
