/** "a.b.c=value" on top of a pipeline file; the value is YAML, so numbers stay numbers. */

import { parse, parseDocument } from 'yaml';
import { pipelineSpecSchema } from '#domain/contracts/pipeline-spec/pipeline-spec.ts';
import { PerennialError } from '#domain/errors.ts';
import { explainIssues } from './explain-issue.ts';
import { parseYaml } from './positions.ts';

/** Throws PRN_USAGE where it is none. */
export const splitOverride = (override: string): { path: string[]; value: unknown } => {
  const at = override.indexOf('=');
  if (at <= 0)
    throw new PerennialError('PRN_USAGE', `Cannot apply override "${override}": it should read PATH=VALUE, as training.seed=2`);
  return { path: override.slice(0, at).split('.'), value: parse(override.slice(at + 1)) as unknown };
};

/** Returns a new file value; throws PRN_SPEC_INVALID where the result is no pipeline. */
export const applyOverrides = (file: unknown, overrides: readonly string[]): unknown => {
  if (overrides.length === 0) return file;
  const document = parseDocument(JSON.stringify(file));
  for (const { path, value } of overrides.map(splitOverride)) document.setIn(path, document.createNode(value));
  const result: unknown = document.toJS();
  const parsed = pipelineSpecSchema.safeParse(result);
  if (parsed.success) return result;
  const lines = explainIssues(parseYaml(JSON.stringify(result)), parsed.error).map((line) => line.replace(/^\d+:\d+: /, ''));
  throw new PerennialError('PRN_SPEC_INVALID', `Cannot apply the overrides: ${lines.join('; ')}`);
};
