import { digestOfJson } from '../../../infra/objects/digest.ts';
import type { CurrentDefinition } from '../../../infra/postgres/definitions.ts';
import type { RunDefinition } from '../../../infra/runs/build-request.ts';
import { parseStoredDefinition } from '../../../infra/schemas/stored-definition.ts';
import type { Context } from '../context.ts';
import { applyOverrides } from './overrides.ts';

/**
 * A definition with "path=value" laid over it, kept under its own digest so that a workflow can name it; the current one
 * stays. `attempt` is what it is for, as "run "churn"". Throws PRN_SPEC_INVALID.
 */
export const keepOverridden = async (
  context: Context,
  current: CurrentDefinition,
  overrides: readonly string[],
  attempt: string,
): Promise<RunDefinition> => {
  const { pipeline, codeVersion, folder } = current;
  const file = applyOverrides(current.file, overrides);
  const spec = parseStoredDefinition(file, attempt);
  const sha256 = digestOfJson(spec);
  if (sha256 !== current.sha256) await context.definitions.keep(pipeline, file, sha256, codeVersion);
  return { sha256, codeVersion, folder: folder ?? '.', spec };
};
