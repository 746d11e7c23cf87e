import type { PipelineSpec } from '#domain/contracts/pipeline-spec/pipeline-spec.ts';
import { differenceOfVersion } from '../../../activities/evaluation/question.ts';
import { type Context, withContext } from '../context.ts';

type Asked = Pick<PipelineSpec, 'name' | 'data'>;
type Known = Pick<Context, 'deployments' | 'registry' | 'definitions'>;

/** What to know before a label is changed that a champion answers; null where none serves or it is the same. */
export const warningOfOtherQuestion = async (known: Known, { name, data }: Asked): Promise<string | null> => {
  const { champion } = await known.deployments.get(name);
  const difference = champion === null ? null : await differenceOfVersion(known, name, champion, data.label);
  if (champion === null || difference === null) return null;
  return `another question than version ${champion.version} answers, which serves: ${difference}. A run of it is refused (PRN_EVALUATION_QUESTION): give it another name, or take version ${champion.version} out of service first (\`perennial delete ${name}\`)`;
};

export const otherQuestionWarning = (asked: Asked): Promise<string | null> =>
  withContext((context) => warningOfOtherQuestion(context, asked));
