/** "a.b.c=value" on top of a pipeline file; the value is YAML, so numbers stay numbers. */

import { type Document, isScalar, parse, parseDocument } from 'yaml';
import { pipelineSpecSchema } from '#domain/contracts/pipeline-spec/pipeline-spec.ts';
import { PerennialError } from '#domain/errors.ts';
import { explainIssues } from './explain-issue.ts';
import { parseYaml } from './positions.ts';

const wrong = (override: string, why: string): PerennialError =>
  new PerennialError('PRN_USAGE', `Cannot apply override "${override}": ${why}`);

/** Throws PRN_USAGE where it is none. */
export const splitOverride = (override: string): { path: string[]; value: unknown } => {
  const at = override.indexOf('=');
  if (at <= 0) throw wrong(override, 'it should read PATH=VALUE, as training.seed=2');
  try {
    return { path: override.slice(0, at).split('.'), value: parse(override.slice(at + 1)) as unknown };
  } catch (error) {
    const [why = ''] = (error as Error).message.split(/ at line |\n/);
    throw wrong(override, `its value should be YAML, with quotes where it begins with a sign: ${why}`);
  }
};

const setField = (document: Document, override: string): void => {
  const { path, value } = splitOverride(override);
  for (let depth = 1; depth < path.length; depth += 1) {
    const found = document.getIn(path.slice(0, depth), true);
    if (!isScalar(found)) continue;
    throw wrong(override, `"${path.slice(0, depth).join('.')}" holds no fields: it is ${JSON.stringify(found.value)}`);
  }
  document.setIn(path, document.createNode(value));
};

/** Returns a new file value; throws PRN_USAGE, and PRN_SPEC_INVALID where the result is no pipeline. */
export const applyOverrides = (file: unknown, overrides: readonly string[]): unknown => {
  if (overrides.length === 0) return file;
  const document = parseDocument(JSON.stringify(file));
  for (const override of overrides) setField(document, override);
  const result: unknown = document.toJS();
  const parsed = pipelineSpecSchema.safeParse(result);
  if (parsed.success) return result;
  const lines = explainIssues(parseYaml(JSON.stringify(result)), parsed.error).map((line) => line.replace(/^\d+:\d+: /, ''));
  throw new PerennialError('PRN_SPEC_INVALID', `Cannot apply the overrides: ${lines.join('; ')}`);
};
