/** What is wrong with a field of a webhook's body, as its sender should read it: what must be, and what is. */
import type { z } from 'zod';
import { nearestName } from '#domain/features/nearest-name.ts';

type RawIssue = z.core.$ZodRawIssue;

/** So much of what came shows which one it is. */
const shownCharacters = 100;

const shown = (input: unknown): string => {
  if (input === undefined) return 'missing';
  if (Array.isArray(input)) return 'a list';
  if (typeof input === 'object' && input !== null) return 'an object';
  const text = JSON.stringify(input);
  return text.length > shownCharacters ? `${text.slice(0, shownCharacters - 1)}…` : text;
};

const types: Readonly<Record<string, string>> = {
  string: 'a text',
  int: 'a whole number',
  number: 'a number',
  array: 'a list',
  object: 'an object',
  record: 'an object',
};

const oneOf = (values: readonly unknown[], input: unknown): string => {
  const named = values.map((value) => JSON.stringify(value));
  const [last, ...before] = named.toReversed();
  const meant = typeof input === 'string' && values.length > 1 ? nearestName(input, values.map(String)) : null;
  const hint = meant === null ? '' : `; did you mean "${meant}"?`;
  return `must be ${before.length === 0 ? last : `${before.toReversed().join(', ')} or ${last}`}: is ${shown(input)}${hint}`;
};

const parts: Readonly<Record<string, readonly [one: string, more: string]>> = {
  array: ['entry', 'entries'],
  string: ['character', 'characters'],
};

const bound = (limit: string, origin: string, value: number | bigint, input: unknown): string => {
  const words = parts[origin];
  if (words === undefined) return `must be ${limit} ${value}: is ${shown(input)}`;
  return `must have ${limit} ${value} ${words[Number(value) === 1 ? 0 : 1]}: has ${(input as { length: number }).length}`;
};

/** An error map for `safeParse`; undefined leaves the words to the schema library. */
export const explainIssue = (issue: RawIssue): string | undefined => {
  const { input } = issue;
  if (issue.code === 'invalid_value') return oneOf(issue.values, input);
  if (issue.code === 'too_small') return bound('at least', issue.origin, issue.minimum, input);
  if (issue.code === 'too_big') return bound('at most', issue.origin, issue.maximum, input);
  if (issue.code === 'unrecognized_keys') return `must not have ${issue.keys.map((key) => JSON.stringify(key)).join(', ')}`;
  if (issue.code === 'invalid_format' && issue.format === 'datetime')
    return `must be a time with its zone, such as 2026-02-05T12:00:00Z: is ${shown(input)}`;
  const type = issue.code === 'invalid_type' ? types[issue.expected] : undefined;
  return type === undefined ? undefined : `must be ${type}: is ${shown(input)}`;
};
