/** The status as lines: the same facts in any width, with and without colour. Pure. */
import type { RunRecord } from '../../../infra/postgres/runs.ts';
import { type Fact, factsOf, type Tone, toneOf } from './facts.ts';
import type { PipelineStatus, Status } from './gather.ts';
import { minute } from './moments.ts';
import { wrap } from './wrap.ts';

/** `width` null: lines are never broken, so that a program can search them. `paint` gets the tone and the text. */
export type Look = {
  readonly width: number | null;
  readonly paint: (tone: Tone | 'quiet' | 'head', text: string) => string;
};

const marks: Readonly<Record<Tone, string>> = { good: '✓', bad: '✗', wait: '…', plain: ' ' };
const labelWidth = 11;
const indent = 2 + 2 + labelWidth + 1;

const factLines = ({ label, tone, text }: Fact, { width, paint }: Look): string[] => {
  const broken = width === null ? [text] : wrap(text, Math.max(20, width - indent));
  return broken.map((part, place) => {
    const head = place === 0 ? `  ${paint(tone, marks[tone])} ${paint('quiet', label.padEnd(labelWidth))} ` : ' '.repeat(indent);
    return `${head}${place === 0 && tone !== 'plain' ? paint(tone, part) : part}`.trimEnd();
  });
};

const runLine = (run: RunRecord, { paint }: Look): string => {
  const verdict = run.outcome ?? 'running';
  const tone = run.outcome === null ? 'wait' : toneOf(run.outcome);
  return `    ${run.runKey}  ${paint(tone, verdict.padEnd(12))}  ${minute(run.startedAt)}  ${run.trigger.kind}`;
};

const runLines = ({ runs }: PipelineStatus, look: Look): string[] =>
  runs.length === 0
    ? [look.paint('quiet', '    no runs yet')]
    : [
        look.paint('quiet', `    ${'run'.padEnd(16)}  ${'verdict'.padEnd(12)}  ${'started'.padEnd(16)}  trigger`),
        ...runs.map((run) => runLine(run, look)),
      ];

/** More pipelines than these are shown in short: what is well is left out, but for the champion. */
const mostInFull = 4;

const shortLines = (status: PipelineStatus, now: string, wasAsked: boolean, look: Look): string[] => [
  look.paint('head', status.pipeline),
  ...factsOf(status, now, wasAsked)
    .filter(({ label, tone }, place) => place === 0 || tone === 'bad' || (tone === 'wait' && label !== 'performance'))
    .flatMap((one) => factLines(one, look)),
];

const pipelineLines = (status: PipelineStatus, now: string, wasAsked: boolean, look: Look): string[] => [
  look.paint('head', status.pipeline),
  ...factsOf(status, now, wasAsked).flatMap((one) => factLines(one, look)),
  ...runLines(status, look),
];

/** One line a thing, a blank line between pipelines. Times are UTC. */
export const statusLines = ({ at, temporal, pipelines }: Status, look: Look): string[] => {
  if (pipelines.length === 0) return ['No pipelines yet: `perennial run PATH` applies and runs one'];
  const missing =
    temporal.unreachable === null
      ? []
      : [
          ...wrap(
            `${temporal.unreachable}. Shown is what PostgreSQL knows: watches and rollouts wait for Temporal, predictions go on`,
            look.width ?? Number.MAX_SAFE_INTEGER,
          ).map((line) => look.paint('bad', line)),
          '',
        ];
  const isShort = pipelines.length > mostInFull;
  const linesOf = isShort ? shortLines : pipelineLines;
  const bodies = pipelines.map((one) => linesOf(one, at, temporal.asked, look));
  const rest = isShort ? ['', look.paint('quiet', 'What is well is left out: `perennial status PIPELINE` shows all of one')] : [];
  return [...missing, ...bodies.flatMap((lines, place) => (place === 0 || isShort ? lines : ['', ...lines])), ...rest];
};
