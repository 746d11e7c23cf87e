/** The project's own sources, and the imports of one, for the rules of the house. */
import { execFileSync } from 'node:child_process';
import { resolve } from 'node:path';

export const root = resolve(import.meta.dirname, '../..');
const rooms = ['workflows', 'activities', 'workers', 'serving', 'infra'];

/** TypeScript files of the rooms, relative to the root: tracked ones, and those that git does not ignore. */
export const sourceFiles = (): string[] =>
  execFileSync(
    'git',
    [
      'ls-files',
      '--cached',
      '--others',
      '--exclude-standard',
      '--',
      ...rooms.map((room) => `${room}/**/*.ts`),
      ...rooms.map((room) => `${room}/*.ts`),
    ],
    {
      cwd: root,
      encoding: 'utf8',
    },
  )
    .split('\n')
    .filter((file) => file !== '')
    .sort();

export type Import = { readonly specifier: string; readonly typeOnly: boolean };

const statement =
  /^(?:import|export)\s+(type\s+)?([^;'"`]*?)\s*from\s*'([^']+)'|^import\s*'([^']+)'|\bimport\(\s*'([^']+)'\s*\)/gm;

/** Every named member is written with `type`, so that nothing of the module is needed at run time. */
const onlyTypes = (clause: string): boolean => {
  const members = /^\{([\s\S]*)\}$/.exec(clause.trim())?.[1];
  if (members === undefined) return false;
  const names = members
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
  return names.length > 0 && names.every((name) => name.startsWith('type '));
};

export const importsOf = (source: string): Import[] =>
  [...source.matchAll(statement)].map(([, typeKeyword, clause, from, bare, dynamic]) => ({
    specifier: (from ?? bare ?? dynamic) as string,
    typeOnly: typeKeyword !== undefined || (clause !== undefined && onlyTypes(clause)),
  }));
