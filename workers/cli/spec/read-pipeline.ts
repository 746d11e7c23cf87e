/** Reads a pipeline file: YAML with positions, the schema, and what lies beside it (SQL of views, code). */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { dirname, extname, join, relative, resolve } from 'node:path';
import { type PipelineSpec, pipelineSpecSchema } from '#domain/contracts/pipeline-spec/pipeline-spec.ts';
import { PerennialError } from '#domain/errors.ts';
import type { Sha256 } from '#domain/units.ts';
import { digestOfJson } from '../../../infra/objects/digest.ts';
import { explainIssues } from './explain-issue.ts';
import { parseYaml } from './positions.ts';

export type ReadPipeline = {
  /** The file as written, with the SQL of views in place of their file names. */
  readonly file: unknown;
  readonly spec: PipelineSpec;
  readonly folder: string;
  readonly definitionSha256: Sha256;
  readonly codeVersion: string;
};

const pipelinePath = async (path: string): Promise<string> => {
  const absolute = resolve(path);
  const found = await stat(absolute).catch(() => null);
  if (found === null)
    throw new PerennialError('PRN_SPEC_UNREADABLE', `Cannot read pipeline "${path}": there is no such file or folder`);
  if (!found.isDirectory()) return absolute;
  const file = join(absolute, 'pipeline.yaml');
  if (existsSync(file)) return file;
  throw new PerennialError('PRN_SPEC_UNREADABLE', `Cannot read pipeline "${path}": the folder holds no pipeline.yaml`);
};

const readText = async (path: string): Promise<string> =>
  readFile(path, 'utf8').catch((cause: unknown) => {
    throw new PerennialError('PRN_SPEC_UNREADABLE', `Cannot read "${relative('.', path)}": ${(cause as Error).message}`, {
      cause,
    });
  });

/** Parses text against the schema; every complaint names file, line and column. */
export const parsePipeline = (text: string, name: string): { file: unknown; spec: PipelineSpec } => {
  const located = parseYaml(text);
  const broken = located.document.errors[0];
  if (broken) {
    const { line, col } = located.lines.linePos(broken.pos[0]);
    // The parser's own words are for programmers.
    const what =
      broken.code === 'MULTIPLE_DOCS' ? 'a pipeline file holds one document, and a second begins here' : broken.message;
    throw new PerennialError('PRN_SPEC_UNREADABLE', `${name}:${line}:${col}: ${what}`);
  }
  const file: unknown = located.document.toJS();
  const parsed = pipelineSpecSchema.safeParse(file);
  if (parsed.success) return { file, spec: parsed.data };
  const lines = explainIssues(located, parsed.error).map((line) => `${name}:${line}`);
  throw new PerennialError('PRN_SPEC_INVALID', lines.join('\n'), { details: { problems: lines } });
};

type Views = Record<string, { sql?: string }>;

/** Puts the text of `*.sql` files in place of their names, so that a definition holds all that it means. */
const inlineSql = async (file: unknown, folder: string): Promise<unknown> => {
  const copy = structuredClone(file) as { features?: { views?: Views } };
  for (const view of Object.values(copy.features?.views ?? {})) {
    if (view.sql?.endsWith('.sql')) view.sql = await readText(join(folder, view.sql));
  }
  return copy;
};

const codeEndings = new Set(['.yaml', '.yml', '.sql', '.py', '.ts', '.js', '.mjs', '.toml', '.txt', '.sh', '.r']);
const codeFileLimitBytes = 1_048_576;

/** "sha256:" and a digest over the names and bytes of a folder's code files; data files are versioned as data. */
export const codeVersionOf = async (folder: string): Promise<string> => {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const hidden = /(^|\/)(\.|node_modules\/|__pycache__\/)/;
  const files = entries
    .filter((entry) => entry.isFile() && codeEndings.has(extname(entry.name)))
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .filter((name) => !hidden.test(name))
    .sort();
  const hash = createHash('sha256');
  for (const name of files) {
    if ((await stat(join(folder, name))).size > codeFileLimitBytes) continue;
    hash.update(`${name}\0`).update(await readFile(join(folder, name)));
  }
  return `sha256:${hash.digest('hex')}`;
};

/** Reads the pipeline at a path (a file, or a folder with `pipeline.yaml`). Throws PRN_SPEC_UNREADABLE, PRN_SPEC_INVALID. */
export const readPipeline = async (path: string): Promise<ReadPipeline> => {
  const absolute = await pipelinePath(path);
  const folder = dirname(absolute);
  const written = parsePipeline(await readText(absolute), relative('.', absolute));
  const file = await inlineSql(written.file, folder);
  const spec = pipelineSpecSchema.parse(file);
  return { file, spec, folder, definitionSha256: digestOfJson(spec), codeVersion: await codeVersionOf(folder) };
};
