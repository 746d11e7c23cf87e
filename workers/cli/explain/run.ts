import type { RetrainOutcome } from '#domain/contracts/retrain.ts';
import type { RunRecord } from '../../../infra/postgres/runs.ts';
import type { Context } from '../context.ts';
import { paint, short, table } from '../output.ts';
import { evaluationLines, readEvaluation } from './evaluation.ts';
import { type Depth, field, inequalityLines } from './lines.ts';
import { decidingLines, type RolloutExplained, readRolloutsOf } from './rollout.ts';

/** The rollout that began while the run went on; a version may be rolled out again, by hand. Null for a run without one. */
const readRolloutOf = async (context: Context, { pipeline, result, startedAt, endedAt }: RunRecord) => {
  if (result?.modelVersion == null) return null;
  const rollouts = await readRolloutsOf(context, pipeline, result.modelVersion);
  const isOfRun = ({ rollout }: RolloutExplained): boolean =>
    rollout.startedAt >= startedAt && (endedAt === null || rollout.startedAt <= endedAt);
  return rollouts.find(isOfRun) ?? null;
};

export const readRun = async (context: Context, asked: string) => {
  const { findRun } = await import('../find.ts');
  const run = await findRun(context, asked);
  const [stages, evaluation, rollout] = await Promise.all([
    context.runs.stages(run.runKey),
    readEvaluation(context, run.runKey),
    readRolloutOf(context, run),
  ]);
  return { run, stages, evaluation, rollout };
};

/** What the gate compared; its reason, where that of the run is another's: a rollout's, or a person's. */
export const gateLines = ({ gate, reason }: Pick<RetrainOutcome, 'gate' | 'reason'>, depth: Depth): string[] => {
  if (gate === null) return [];
  const told = reason.includes(gate.reason) ? gate.outcome : `${gate.outcome}: ${gate.reason}`;
  return [field('gate', told), ...inequalityLines(gate.inequalities, gate.reason, depth)];
};

/** The last word, where a rollout had it. */
const rolloutLines = (rollout: RolloutExplained | null, depth: Depth): string[] =>
  rollout === null
    ? []
    : [...decidingLines(rollout, depth), field('rollout', `${rollout.rollout.state}: perennial explain ${rollout.rollout.id}`)];

export const runLines = ({ run, stages, evaluation, rollout }: Awaited<ReturnType<typeof readRun>>, depth: Depth): string[] => [
  run.workflowId,
  `  started by ${run.trigger.by} (${run.trigger.kind}): ${run.trigger.reason}`,
  field('verdict', run.outcome === null ? 'still running' : paint(run.outcome === 'promoted' ? 'green' : 'yellow', run.outcome)),
  ...(run.result === null
    ? []
    : [
        field('because', run.result.reason),
        ...rolloutLines(rollout, depth),
        ...gateLines(run.result, depth),
        field('data', short(run.result.dataVersion)),
        field('version', String(run.result.modelVersion ?? '-')),
      ]),
  ...(evaluation === null ? [] : evaluationLines(evaluation, depth)),
  table([['  stage', 'what'], ...stages.map((stage) => [`  ${stage.stage}`, stage.summary])]),
];
