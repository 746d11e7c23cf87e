import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { errorRegistry } from '#domain/errors.ts';
import { renderErrorPage } from '../../infra/runbooks/render.ts';
import { renderEnvironmentPage, renderReferencePage, renderSchemaFile } from '../../infra/schemas/render.ts';
import { metricSpecs } from '../../infra/telemetry/metrics.ts';
import { queueLiterals } from './queue-literals.ts';
import { root, sourceFiles } from './sources.ts';

const read = (file: string): string => readFileSync(resolve(root, file), 'utf8');
const lines = (text: string): number => text.split('\n').length;
const code = (text: string): string => text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|\s)\/\/.*$/gm, '');

describe('the house', () => {
  it('reads the environment in one place (one-environment)', () => {
    const offending = sourceFiles().filter((file) => file !== 'infra/config.ts' && /\bprocess\.env\b/.test(code(read(file))));
    expect(offending).toEqual([]);
  });

  it('knows no clock and no chance in the domain (pure-heart)', () => {
    const offending = sourceFiles()
      .filter((file) => file.startsWith('workflows/domain/'))
      .filter((file) =>
        /\bDate\.now\b|\bnew Date\(\)|\bMath\.random\b|\bperformance\.(?:now|timeOrigin|mark|measure)\b/.test(code(read(file))),
      );
    expect(offending).toEqual([]);
  });

  it('writes names of queues and workflow ids only in names.ts (names-in-one-place)', () => {
    expect(queueLiterals(sourceFiles(), (file) => code(read(file)))).toEqual([]);
  });

  it('keeps files small enough to read', () => {
    const offending = sourceFiles().filter((file) => !file.includes('/migrations/') && lines(read(file)) > 500);
    expect(offending).toEqual([]);
  });

  it('has no wildcard re-export', () => {
    expect(sourceFiles().filter((file) => /^export \* from/m.test(read(file)))).toEqual([]);
  });

  it('has an error page that says what the registry says', () => {
    expect(read('infra/runbooks/errors.md')).toBe(renderErrorPage());
  });

  it('has a schema and a reference page of the pipeline file that say what the contract says', () => {
    expect(read('infra/schemas/pipeline.schema.json')).toBe(renderSchemaFile());
    expect(read('infra/schemas/pipeline-file.md')).toBe(renderReferencePage());
    expect(read('infra/schemas/environment.md')).toBe(renderEnvironmentPage());
  });

  it('cites only documents that are here (cited-is-here)', () => {
    const files = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
      cwd: root,
      encoding: 'utf8',
    });
    const here = new Set([...files.matchAll(/([\w.-]+\.md)$/gm)].map((match) => match[1]));
    const cited = sourceFiles().flatMap((file) => [...read(file).matchAll(/[\w-]+\.md\b/g)].map(([name]) => ({ file, name })));
    expect(cited.filter(({ name }) => !here.has(name))).toEqual([]);
  });

  it('has metrics that say what they count, and emits every one of them (cited-is-here)', () => {
    const emitting = sourceFiles().filter((file) => file !== 'infra/telemetry/metrics.ts');
    const text = emitting.map(read).join('\n');
    for (const [name, { help }] of Object.entries(metricSpecs)) {
      expect(help, name).toMatch(/^[A-Z0-9].{10,}[^.]$/);
      expect(text.includes(`'${name}'`), `${name} is set somewhere`).toBe(true);
    }
  });

  it('uses only codes of the registry, and every one of them; each stands in one area', () => {
    const isRegistry = (file: string): boolean => /^workflows\/domain\/errors(\.ts$|\/)/.test(file);
    const declared = sourceFiles()
      .filter(isRegistry)
      .flatMap((file) => read(file).match(/^ {2}PRN_[A-Z0-9_]+(?=:)/gm) ?? []);
    expect(declared.map((code) => code.trim()).toSorted()).toEqual(Object.keys(errorRegistry).toSorted());
    const sources = sourceFiles().filter((file) => !isRegistry(file));
    const used = new Set(sources.flatMap((file) => read(file).match(/PRN_[A-Z0-9]+(?:_[A-Z0-9]+)*\b/g) ?? []));
    const known = new Set(Object.keys(errorRegistry));
    expect([...used].filter((name) => !known.has(name) && !sources.some((file) => read(file).includes(`${name}_*`)))).toEqual([]);
    expect([...known].filter((name) => !used.has(name))).toEqual([]);
  });
});
