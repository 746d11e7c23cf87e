/** Turns a schema's issue into a sentence with place, what is, what was expected and what to write. */

import type { z } from 'zod';
import { nearestName } from '#domain/features/nearest-name.ts';
import { type JsonSchema, pipelineJsonSchema } from '../../../infra/schemas/pipeline-schema.ts';
import { type Located, positionOf } from './positions.ts';

type Issue = z.core.$ZodIssue;
/** Keys that the schema knows at a path, over all branches of a union. */
const keysAt = (schema: JsonSchema, path: readonly PropertyKey[]): string[] => {
  if (schema.anyOf) return schema.anyOf.flatMap((branch) => keysAt(branch, path));
  const [head, ...rest] = path;
  if (head === undefined) return [...Object.keys(schema.properties ?? {}), ...(schema.propertyNames?.enum ?? []).map(String)];
  const next =
    schema.properties?.[String(head)] ??
    (typeof schema.additionalProperties === 'object' ? schema.additionalProperties : schema.items);
  return next ? keysAt(next, rest) : [];
};

/** Of a union's branches, the one that came furthest: the fewest complaints, and those deepest inside. */
const bestBranch = (branches: readonly (readonly Issue[])[]): readonly Issue[] => {
  const rank = (issues: readonly Issue[]): number => {
    const wrongType = issues.some((issue) => issue.code === 'invalid_type' && issue.path.length === 0);
    return (wrongType ? 100 : 0) + issues.length - Math.max(0, ...issues.map((issue) => issue.path.length));
  };
  return [...branches].sort((a, b) => rank(a) - rank(b))[0] ?? [];
};

const flatten = (issue: Issue, prefix: readonly PropertyKey[] = []): Issue[] => {
  const path = [...prefix, ...issue.path];
  if (issue.code !== 'invalid_union' || issue.errors.length === 0) return [{ ...issue, path } as Issue];
  return bestBranch(issue.errors).flatMap((inner) => flatten(inner, path));
};

const unknownKey = (located: Located, path: readonly PropertyKey[], key: string): string => {
  const known = [...new Set(keysAt(pipelineJsonSchema(), path))];
  const near = nearestName(key, known);
  const hint = near ? `; did you mean "${near}"?` : '';
  return `${positionOf(located, path, key)}: unknown key "${key}"${hint}${known.length > 0 ? ` (${known.join(', ')})` : ''}`;
};

const unknownValue = (located: Located, issue: Issue & { code: 'invalid_value' }): string => {
  const found = located.document.getIn(issue.path as unknown[]);
  const written = typeof found === 'string' ? found : JSON.stringify(found ?? '');
  const known = issue.values.map(String);
  const near = nearestName(written, known);
  const name = String(issue.path.at(-1) ?? 'value');
  return `${positionOf(located, issue.path)}: unknown ${name} "${written}"${near ? `; did you mean "${near}"?` : ''} (${known.join(', ')})`;
};

/** Where the schema says which names would do, the one that was meant. */
const nearestKnown = (located: Located, issue: Issue): string => {
  const known: unknown = issue.code === 'custom' ? issue.params?.known : undefined;
  if (!Array.isArray(known)) return '';
  const near = nearestName(String(located.document.getIn(issue.path as unknown[])), known.map(String));
  return near === null ? '' : `; did you mean "${near}"?`;
};

const plain = (located: Located, issue: Issue): string => {
  const missing = issue.code === 'invalid_type' && located.document.getIn(issue.path as unknown[]) === undefined;
  const name = issue.path.map(String).join('.') || 'the file';
  if (missing) return `${positionOf(located, issue.path.slice(0, -1))}: "${name}" is missing`;
  return `${positionOf(located, issue.path)}: "${name}" ${issue.message.replace(/^Invalid input: /, 'is wrong: ')}${nearestKnown(located, issue)}`;
};

/** One line per issue, in the form "31:18: unknown encoding …". */
export const explainIssues = (located: Located, error: z.ZodError): string[] =>
  error.issues
    .flatMap((issue) => flatten(issue))
    .flatMap((issue) => {
      if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => unknownKey(located, issue.path, key));
      if (issue.code === 'invalid_value') return [unknownValue(located, issue)];
      return [plain(located, issue)];
    });
