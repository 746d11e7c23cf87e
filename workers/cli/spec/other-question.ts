import type { PipelineSpec } from '#domain/contracts/pipeline-spec/pipeline-spec.ts';
import { differenceFromChampion } from '../../../activities/evaluation/question.ts';
import { withContext } from '../context.ts';

/** What to know before a label is changed that a champion answers; null where none serves or it is the same. */
export const otherQuestionWarning = ({ name, data }: PipelineSpec): Promise<string | null> =>
  withContext(async ({ deployments, registry, definitions }) => {
    const { champion } = await deployments.get(name);
    const difference =
      champion === null ? null : await differenceFromChampion({ registry, definitions }, name, champion, data.label);
    if (champion === null || difference === null) return null;
    return `another question than version ${champion.version} answers, which serves: ${difference}. A run of it is refused (PRN_EVALUATION_QUESTION): give it another name, or take version ${champion.version} out of service first (\`perennial delete ${name}\`)`;
  });
