import type { Judged } from './judge.ts';
import type { Finding } from './scenario.ts';

/** What one scenario gave, and how long it took. */
export type Outcome = {
  readonly topic: string;
  readonly name: string;
  readonly claim: string;
  readonly seconds: number;
  readonly judged: readonly Judged[];
};

const digits = (value: number): string => (Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(4))));

const shown = (finding: Finding, value: number): string => {
  if ('trials' in finding) return `${Number((value * 100).toPrecision(3))} %`;
  return finding.unit === '' ? digits(value) : `${digits(value)} ${finding.unit}`;
};

const row = ({ finding, estimate, between, judgement }: Judged): string[] => [
  finding.what,
  finding.rule,
  shown(finding, estimate),
  between === null ? '' : `${shown(finding, between[0])} to ${shown(finding, between[1])}`,
  'trials' in finding ? `${finding.successes} of ${finding.trials}` : '',
  finding.target === null ? '' : `${finding.target.operator} ${shown(finding, finding.target.value)}`,
  judgement,
];

/** The rules that answer one question stand together, in the order of the questions. */
const byQuestion = (judged: readonly Judged[]): Judged[] =>
  [...Map.groupBy(judged, ({ finding }) => finding.what).values()].flat();

const heading = ['what', 'rule', 'found', '99 % bounds', 'counted', 'target', ''];

const cell = (text: string): string => text.replaceAll('|', '\\|');
const markdownRow = (cells: readonly string[]): string => `| ${cells.map(cell).join(' | ')} |`;

/** The findings of one scenario as lines of a Markdown table. */
export const tableOf = (outcome: Outcome): string =>
  [
    `### ${outcome.name}`,
    '',
    outcome.claim,
    '',
    markdownRow(heading),
    `|${heading.map(() => '---').join('|')}|`,
    ...byQuestion(outcome.judged).map((judged) => markdownRow(row(judged))),
  ].join('\n');

export type Circumstances = {
  readonly seed: number;
  readonly date: string;
  readonly node: string;
  readonly cores: number;
  readonly minutes: number;
};

/** How many targets were met, met within noise and missed. */
export const summaryOf = (outcomes: readonly Outcome[]): string => {
  const count = (judgement: Judged['judgement']) =>
    outcomes.flatMap(({ judged }) => judged).filter((one) => one.judgement === judgement).length;
  return `${count('met')} targets met, ${count('within noise')} within noise, ${count('missed')} missed; ${count('shown')} figures shown without a target`;
};

/** The whole page: by topic, then by scenario. */
export const pageOf = (outcomes: readonly Outcome[], { seed, date, node, cores, minutes }: Circumstances): string => {
  const byTopic = Map.groupBy(outcomes, ({ topic }) => topic);
  const sections = [...byTopic].map(([topic, list]) => [`## ${topic}`, ...list.map(tableOf)].join('\n\n'));
  return [
    '# Results',
    `Written by \`npm run test:calibration -- --write\`: all repetitions, seed ${seed}, ${date}, Node ${node}, ${minutes} minutes on ${cores} cores.`,
    `${summaryOf(outcomes)}. Bounds are exact and one-sided (Clopper-Pearson) for proportions; a target is missed only where the friendlier bound misses it.`,
    ...sections,
    '',
  ].join('\n\n');
};
