/** Whether a version that is put back finds the values that it looks up. */
import { featureSetSchema } from '#domain/contracts/feature-set.ts';
import type { PipelineName, VersionNumber } from '#domain/units.ts';
import { publishedNames } from '../../infra/features/published-view.ts';
import type { Context } from './context.ts';

type Needs = Pick<Context, 'registry' | 'content' | 'onlineFeatures'>;

/** Names of the views of which no values are published as this version defines them: servers impute them. */
export const unpublishedViews = async (needs: Needs, pipeline: PipelineName, number: VersionNumber): Promise<string[]> => {
  const version = await needs.registry.get(pipeline, number);
  if (version === null) return [];
  const { views } = featureSetSchema.parse(await needs.content.getJson(version.featureSetSha256));
  const held = await needs.onlineFeatures.held(pipeline, views.flatMap(publishedNames));
  return views.filter((view) => !publishedNames(view).some((name) => held.has(name))).map(({ name }) => name);
};

/** For people; what to do included. */
export const unpublishedText = (pipeline: PipelineName, version: VersionNumber, views: readonly string[]): string =>
  `  no values are published of ${views.map((view) => `"${view}"`).join(', ')} as version ${version} defines them: servers ` +
  `impute them until a run that passes its gate publishes them again; start one with "perennial run ${pipeline}"`;
