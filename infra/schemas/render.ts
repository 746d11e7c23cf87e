/** Writes pipeline.schema.json, pipeline-file.md and environment.md from their schemas: `node infra/schemas/render.ts`. A test compares. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { environmentSchema } from '../environment.ts';
import { type JsonSchema, pipelineJsonSchema } from './pipeline-schema.ts';

export const renderSchemaFile = (): string => `${JSON.stringify(pipelineJsonSchema(), null, 2)}\n`;

/** A bar would end the cell of a table. */
const cell = (text: string): string => text.replaceAll('|', '\\|');
const code = (text: string): string => `\`${cell(text)}\``;
/** What a field says of itself. */
const said = ({ description = '' }: JsonSchema): string => cell(description);

const typeOf = (schema: JsonSchema): string => {
  if (schema.anyOf) return [...new Set(schema.anyOf.map(typeOf))].join(' or ');
  if (schema.enum) return schema.enum.map((value) => code(String(value))).join(', ');
  if (schema.const !== undefined) return code(typeof schema.const === 'string' ? schema.const : JSON.stringify(schema.const));
  if (schema.pattern?.includes('ms|s|m|h|d|w')) return 'duration';
  if (schema.pattern?.endsWith('%$')) return 'share';
  if (schema.type === 'array') return `list of ${schema.items ? typeOf(schema.items) : 'values'}`;
  if (schema.type === 'object') return schema.properties ? 'fields below' : 'map';
  return String(schema.type ?? 'any');
};

type Row = { readonly path: string; readonly schema: JsonSchema; readonly required: boolean };

/** Every field with its path; a map's values stand under "NAME", a list's under "[]". */
const rowsOf = (schema: JsonSchema, path: string): Row[] => {
  const own = Object.entries(schema.properties ?? {}).flatMap(([key, field]) => {
    const at = path === '' ? key : `${path}.${key}`;
    return [{ path: at, schema: field, required: schema.required?.includes(key) ?? false }, ...rowsOf(field, at)];
  });
  const branches = (schema.anyOf ?? []).flatMap((branch) => rowsOf(branch, path));
  const values = typeof schema.additionalProperties === 'object' ? rowsOf(schema.additionalProperties, `${path}.NAME`) : [];
  const items = schema.items ? rowsOf(schema.items, `${path}[]`) : [];
  return [...own, ...branches, ...values, ...items];
};

const defaultOf = ({ schema, required }: Row): string => {
  if (required) return '**required**';
  const value = schema.default;
  return value === undefined || JSON.stringify(value) === '{}' || JSON.stringify(value) === '[]'
    ? ''
    : code(JSON.stringify(value));
};

export const renderReferencePage = (): string => {
  const seen = new Set<string>();
  const rows = rowsOf(pipelineJsonSchema(), '').filter(({ path }) => !seen.has(path) && seen.add(path));
  const body = rows.map((row) => `| ${code(row.path)} | ${typeOf(row.schema)} | ${defaultOf(row)} | ${said(row.schema)} |`);
  return [
    '# The pipeline file',
    '',
    'Every field, written from the schema by `node infra/schemas/render.ts`. Durations are `30m`, `12h`, `7d` (defaults in milliseconds where they are shown as numbers); shares are `10%`.',
    'An editor checks the file with `# yaml-language-server: $schema=infra/schemas/pipeline.schema.json` in its first line.',
    '',
    '| field | type | default | what it says |',
    '|---|---|---|---|',
    ...body,
    '',
  ].join('\n');
};

const environmentRow = ([name, schema]: [string, JsonSchema]): string => {
  const value = schema.default === undefined ? '' : code(JSON.stringify(schema.default).replaceAll('"', ''));
  return `| ${code(name)} | ${value} | ${said(schema)} |`;
};

export const renderEnvironmentPage = (): string => {
  const schema = z.toJSONSchema(environmentSchema, { io: 'input' }) as JsonSchema;
  return [
    '# The environment',
    '',
    'Every variable that is read, written from `infra/environment.ts` by `node infra/schemas/render.ts`. A wrong one ends a program with its name; an empty one counts as absent. Secrets that `notify` names in a pipeline file are variables too.',
    '',
    '| variable | default | what it says |',
    '|---|---|---|',
    ...Object.entries(schema.properties ?? {}).map(environmentRow),
    '',
  ].join('\n');
};

if (import.meta.main) {
  writeFileSync(join(import.meta.dirname, 'environment.md'), renderEnvironmentPage());
  writeFileSync(join(import.meta.dirname, 'pipeline.schema.json'), renderSchemaFile());
  writeFileSync(join(import.meta.dirname, 'pipeline-file.md'), renderReferencePage());
}
