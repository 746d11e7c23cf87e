/** Rules `types-only-contracts`, `pure-heart`, `arrows-point-inwards`: every import is parsed, types are told from values. */
import { readFileSync } from 'node:fs';
import { relative, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Import, importsOf, root, sourceFiles } from './sources.ts';

type Room =
  | 'contracts'
  | 'heart'
  | 'mathematics'
  | 'flow'
  | 'infra'
  | 'activities'
  | 'serving'
  | 'trainers'
  | 'cli'
  | 'workers'
  | 'package';

const roomOf = (file: string): Room => {
  const starts: readonly (readonly [string, Room])[] = [
    ['workflows/domain/contracts/', 'contracts'],
    ['workflows/domain/stats/', 'mathematics'],
    ['workflows/domain/features/', 'mathematics'],
    ['workflows/domain/', 'heart'],
    ['workflows/', 'flow'],
    ['infra/', 'infra'],
    ['activities/', 'activities'],
    ['serving/', 'serving'],
    ['workers/trainers/', 'trainers'],
    ['workers/cli/', 'cli'],
    ['workers/', 'workers'],
  ];
  return starts.find(([start]) => file.startsWith(start))?.[1] ?? 'package';
};

type Border = { readonly values: readonly Room[]; readonly types: readonly Room[] };
const everything: readonly Room[] = [
  'contracts',
  'heart',
  'mathematics',
  'flow',
  'infra',
  'activities',
  'serving',
  'trainers',
  'cli',
  'workers',
  'package',
];

/** Which room may import which. Types may cross wherever values may, and where `types` says so. */
const borders: Readonly<Record<Exclude<Room, 'package'>, Border>> = {
  contracts: { values: ['contracts', 'heart', 'package'], types: [] },
  mathematics: { values: ['mathematics', 'heart'], types: ['contracts'] },
  heart: { values: ['heart'], types: ['contracts', 'mathematics'] },
  flow: { values: ['flow', 'heart', 'package'], types: ['contracts'] },
  infra: { values: ['contracts', 'heart', 'mathematics', 'infra', 'package'], types: ['flow'] },
  activities: { values: ['contracts', 'heart', 'mathematics', 'infra', 'activities', 'package'], types: ['flow'] },
  serving: { values: ['contracts', 'heart', 'mathematics', 'infra', 'serving', 'package'], types: ['flow'] },
  trainers: { values: ['contracts', 'heart', 'mathematics', 'infra', 'trainers', 'package'], types: [] },
  workers: { values: ['contracts', 'heart', 'infra', 'activities', 'workers', 'package', 'cli'], types: ['flow', 'serving'] },
  cli: { values: everything, types: [] },
};

/** Names and messages are data that everybody shares (names-in-one-place). */
const sharedFlowFiles = new Set(['workflows/names.ts', 'workflows/messages.ts']);

const targetOf = (file: string, specifier: string): string => {
  if (specifier.startsWith('#domain/')) return `workflows/domain/${specifier.slice('#domain/'.length)}`;
  return specifier.startsWith('.') ? relative(root, resolve(root, file, '..', specifier)) : specifier;
};

const offends = (file: string, it: Import): boolean => {
  const target = targetOf(file, it.specifier);
  if (sharedFlowFiles.has(target)) return false;
  const from = roomOf(file);
  const to = roomOf(target);
  if (from === 'package') return false;
  const border = borders[from];
  return !(border.values.includes(to) || (it.typeOnly && border.types.includes(to)));
};

const files = sourceFiles();
const edges = files.flatMap((file) => importsOf(readFileSync(resolve(root, file), 'utf8')).map((it) => ({ file, it })));

describe('imports', () => {
  it('finds the sources', () => {
    expect(files.length).toBeGreaterThan(50);
    expect(edges.length).toBeGreaterThan(200);
  });

  it('cross only the borders that the table allows', () => {
    const offending = edges
      .filter(({ file, it }) => offends(file, it))
      .map(({ file, it }) => `${file} -> ${it.specifier}${it.typeOnly ? ' (type)' : ''}`);
    expect(offending).toEqual([]);
  });

  it('of workflow files bring in no package but Temporal’s workflow and common packages', () => {
    const allowed = /^(@temporalio\/(workflow|common)|@temporalio\/interceptors-opentelemetry.*|@opentelemetry\/api)$/;
    const offending = edges
      .filter(
        ({ file, it }) =>
          roomOf(file) === 'flow' && roomOf(targetOf(file, it.specifier)) === 'package' && !allowed.test(it.specifier),
      )
      .map(({ file, it }) => `${file} -> ${it.specifier}`);
    expect(offending).toEqual([]);
  });

  it('name their file with its ending', () => {
    const offending = edges.filter(({ it }) => /^(\.|#)/.test(it.specifier) && !/\.(ts|json)$/.test(it.specifier));
    expect(offending).toEqual([]);
  });

  it('tells a forbidden edge from an allowed one', () => {
    const value = { specifier: '#domain/contracts/verdict.ts', typeOnly: false };
    expect(offends('workflows/retrain.ts', value)).toBe(true);
    expect(offends('workflows/retrain.ts', { ...value, typeOnly: true })).toBe(false);
    expect(offends('serving/predict/app.ts', { specifier: '../../activities/train.ts', typeOnly: true })).toBe(true);
  });
});
