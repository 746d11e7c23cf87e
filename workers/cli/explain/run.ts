import type { Context } from '../context.ts';
import { paint, short, table } from '../output.ts';
import { evaluationLines, readEvaluation } from './evaluation.ts';
import { field, inequalityLines } from './lines.ts';

export const readRun = async (context: Context, asked: string) => {
  const { findRun } = await import('../find.ts');
  const run = await findRun(context, asked);
  const [stages, evaluation] = await Promise.all([context.runs.stages(run.runKey), readEvaluation(context, run.runKey)]);
  return { run, stages, evaluation };
};

export const runLines = ({ run, stages, evaluation }: Awaited<ReturnType<typeof readRun>>): string[] => [
  run.workflowId,
  `  started by ${run.trigger.by} (${run.trigger.kind}): ${run.trigger.reason}`,
  field('verdict', run.outcome === null ? 'still running' : paint(run.outcome === 'promoted' ? 'green' : 'yellow', run.outcome)),
  ...(run.result === null
    ? []
    : [
        field('because', run.result.reason),
        ...inequalityLines(run.result.gate?.inequalities ?? []),
        field('data', short(run.result.dataVersion)),
        field('version', String(run.result.modelVersion ?? '-')),
      ]),
  ...(evaluation === null ? [] : evaluationLines(evaluation)),
  table([['  stage', 'what'], ...stages.map((stage) => [`  ${stage.stage}`, stage.summary])]),
];
