import type { PipelineName, Sha256 } from '#domain/units.ts';
import type { Context } from '../context.ts';
import { readPipeline } from './read-pipeline.ts';

export type AppliedPipeline = { readonly pipeline: PipelineName; readonly definition: Sha256; readonly changed: boolean };

/**
 * Reads a pipeline file and makes it the current definition, in PostgreSQL; the same file twice changes nothing. Schedule
 * and watch follow by `settlePipeline`.
 */
export const applyPipeline = async (context: Context, path: string): Promise<AppliedPipeline> => {
  const { spec, folder, file, definitionSha256, codeVersion } = await readPipeline(path);
  const before = await context.definitions.current(spec.name);
  await context.definitions.apply(spec.name, folder, file, definitionSha256, codeVersion, context.config.actor);
  const changed = before === null || before.sha256 !== definitionSha256 || before.codeVersion !== codeVersion;
  return { pipeline: spec.name, definition: definitionSha256, changed };
};
