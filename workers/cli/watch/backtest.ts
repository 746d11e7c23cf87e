/** What other rules would have decided, beside what was decided. */
import type { PipelineSpec } from '#domain/contracts/pipeline-spec/pipeline-spec.ts';
import { type RemadeDecision, remakeDecisions, tryRules } from '#domain/decide/watch/backtest.ts';
import { PerennialError } from '#domain/errors.ts';
import type { PipelineName } from '#domain/units.ts';
import { watchPlanOf } from '../../../activities/watch/open-watch.ts';
import { canonicalJson } from '../../../infra/objects/digest.ts';
import { parseStoredDefinition } from '../../../infra/schemas/stored-definition.ts';
import type { Context } from '../context.ts';
import { requirePipeline } from '../known-pipeline.ts';
import { applyOverrides, splitOverride } from '../spec/overrides.ts';
import { readHistory } from './history.ts';

export type BacktestLine = {
  readonly at: string;
  readonly subject: string;
  readonly made: string;
  readonly would: string;
  /** Why, in the words of the rules that would have made it. */
  readonly reason: string;
};
export type Backtest = {
  readonly pipeline: PipelineName;
  readonly changed: boolean;
  readonly decisions: number;
  /** Decisions that are another, byte for byte. */
  readonly differing: number;
  readonly runs: { readonly made: number; readonly would: number };
  /** Every run of either, and with unchanged rules every decision that differs. */
  readonly lines: readonly BacktestLine[];
};

const isRun = (decision: string): boolean => decision === 'retrain' || decision === 'recalibrate';
const isSame = ({ made, remade }: RemadeDecision): boolean => canonicalJson(made.decision) === canonicalJson(remade);

const lineOf = ({ made, remade }: RemadeDecision): BacktestLine => ({
  at: made.at,
  subject: made.subject,
  made: made.decision.decision,
  would: remade.decision,
  reason: isSame({ made, remade }) ? made.decision.sentence : remade.sentence,
});

/** What `tryRules` asks anew. The rest is of what was measured, such as the gain by `retrain.worth`, or of other decisions. */
const testable = ['watch.levels', 'retrain.on', 'retrain.max_age', 'retrain.cooldown', 'retrain.budget', 'retrain.new_labels'];

const refuseUntestable = (override: string): void => {
  const path = splitOverride(override).path.join('.');
  if (testable.some((known) => path === known || path.startsWith(`${known}.`))) return;
  const rules = `${testable.slice(0, -1).join(', ')} and ${testable.at(-1)}`;
  const message = `Cannot test "${override}" as a backtest can change only ${rules}: what was measured, and how runs ended, stays as it is`;
  throw new PerennialError('PRN_USAGE', message);
};

const changedSpec = async (context: Context, pipeline: PipelineName, overrides: readonly string[]): Promise<PipelineSpec> => {
  const current = await context.definitions.current(pipeline);
  if (current === null) throw new PerennialError('PRN_NOT_FOUND', `Cannot test rules of "${pipeline}": it has no definition`);
  const file = applyOverrides(current.file, overrides);
  for (const override of overrides) refuseUntestable(override);
  return parseStoredDefinition(file, `test rules of "${pipeline}"`);
};

/**
 * Feeds the stored history through the rules with the overrides; without any, through those of each decision itself. Throws
 * PRN_NOT_FOUND, PRN_SPEC_INVALID, and PRN_USAGE for an override that no decision goes by.
 */
export const backtestWatch = async (context: Context, asked: string, overrides: readonly string[]): Promise<Backtest> => {
  const pipeline = await requirePipeline(context, asked, 'Cannot test rules of');
  const changed = overrides.length > 0;
  const history = await readHistory(context, pipeline, changed);
  const found = changed
    ? tryRules(history, watchPlanOf(await changedSpec(context, pipeline, overrides), '0'.repeat(64) as never))
    : remakeDecisions(history);
  const shown = found.filter(
    (one) => isRun(one.made.decision.decision) || isRun(one.remade.decision) || (!changed && !isSame(one)),
  );
  return {
    pipeline,
    changed,
    decisions: found.length,
    differing: found.filter((one) => !isSame(one)).length,
    runs: {
      made: found.filter(({ made }) => isRun(made.decision.decision)).length,
      would: found.filter(({ remade }) => isRun(remade.decision)).length,
    },
    lines: shown.map(lineOf),
  };
};
