/** Whether a version that a person puts in front of callers answers what they ask. */
import type { ModelVersion } from '#domain/contracts/model-version.ts';
import { PerennialError } from '#domain/errors.ts';
import type { PipelineName, VersionNumber } from '#domain/units.ts';
import { differenceOfPackages, differenceOfVersion, labelAskedFor } from '../../../activities/evaluation/question.ts';
import type { Context } from '../context.ts';
import { note } from '../output.ts';

export type QuestionNeeds = Pick<Context, 'registry' | 'definitions' | 'content'>;
export type NamedVersion = { readonly pipeline: PipelineName; readonly version: VersionNumber };
/** What callers ask now; null where nothing serves. */
type Champion = Pick<ModelVersion, 'version' | 'modelSha256'> | null;

/** What a person accepts by name: that callers get answers to something else than before. */
export type Despite = 'question';

const differenceOfLabels = async (needs: QuestionNeeds, { pipeline, version }: NamedVersion, champion: Champion) => {
  const asked = await labelAskedFor(needs, pipeline, champion);
  return asked === null ? null : differenceOfVersion(needs, pipeline, { version }, asked);
};

/** A store that does not answer must not keep anybody from taking back what does harm: the label was compared without it. */
const differenceOfAnswers = async (needs: QuestionNeeds, { pipeline, version }: NamedVersion, champion: Champion) => {
  const named = champion === null ? null : await needs.registry.get(pipeline, version);
  if (champion === null || named === null) return null;
  return differenceOfPackages(needs, named, champion).catch((error: Error) => {
    note(`cannot tell whether version ${version} answers the same classes as version ${champion.version}: ${error.message}`);
    return null;
  });
};

const otherOf = (champion: Champion): string =>
  champion === null
    ? 'than the definition that was applied last asks'
    : `than champion version ${champion.version}, which callers ask`;

/**
 * The reason as it goes on record, with what the person accepted where the version answers another question: another
 * label by name or expression, another task, or not every class that the champion answers. `attempt` begins the refusal,
 * as "Cannot roll version 1 of "churn" out". Throws PRN_DEPLOY_QUESTION where it is not accepted.
 */
export const reasonOnRecord = async (
  needs: QuestionNeeds,
  named: NamedVersion,
  champion: Champion,
  { attempt, reason, despite }: { readonly attempt: string; readonly reason: string; readonly despite: Despite | null },
): Promise<string> => {
  const difference = (await differenceOfLabels(needs, named, champion)) ?? (await differenceOfAnswers(needs, named, champion));
  if (difference === null) return reason;
  if (despite === 'question') return `${reason} (despite another question: ${difference})`;
  throw new PerennialError(
    'PRN_DEPLOY_QUESTION',
    `${attempt} without --despite question as it answers another question ${otherOf(champion)}: ${difference}`,
  );
};
