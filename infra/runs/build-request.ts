/** Lists the sources and names the run: what the command does before it starts one, and the watch too. */
import type { PipelineSpec } from '#domain/contracts/pipeline-spec/pipeline-spec.ts';
import type { RetrainRequest } from '#domain/contracts/retrain.ts';
import type { Instant, PipelineName, RunKey, Sha256 } from '#domain/units.ts';
import { digestOfJson } from '../objects/digest.ts';
import type { ContentStore } from '../objects/store.ts';
import { type ListOptions, listSources } from '../sources/list.ts';

export type RunDefinition = {
  readonly sha256: Sha256;
  readonly codeVersion: string;
  /** Where relative sources begin. */
  readonly folder: string;
  readonly spec: PipelineSpec;
};

export type WantedRun = {
  readonly pipeline: PipelineName;
  readonly cutoff?: Instant;
  readonly trigger: RetrainRequest['trigger'];
  /** Any text: makes this a run of its own although its inputs were used before. */
  readonly force?: string;
};

export type RequestOptions = Pick<ListOptions, 'cacheFolder' | 's3'> & { readonly content: ContentStore };

/**
 * The request of a run. Its key is a digest of definition, code, sources as they are now and cut-off: the same again is
 * the same run. Stores the listing. Throws PRN_SOURCE_MISSING.
 */
export const buildRequest = async (
  options: RequestOptions,
  definition: RunDefinition,
  { pipeline, trigger, ...wanted }: WantedRun,
): Promise<RetrainRequest> => {
  const listing = await listSources(definition.spec.data, definition.folder, options);
  const listingSha256 = await options.content.putJson(listing);
  const cutoff = wanted.cutoff ?? null;
  const identity = {
    definition: definition.sha256,
    code: definition.codeVersion,
    objects: listing.objects.map(({ source, key, bytes, etag }) => [source, key, bytes, etag]),
    cutoff,
    force: wanted.force ?? null,
  };
  return {
    format: 1,
    pipeline,
    runKey: digestOfJson(identity).slice(0, 16) as RunKey,
    definitionSha256: definition.sha256,
    codeVersion: definition.codeVersion,
    listingSha256,
    cutoff,
    trigger,
  };
};
